-- Roles, and where they may work. Runs as whoever migrates: a superuser, or a managed database's administrator.
-- Roles belong to the whole server, so they may be there already; passwords are set outside, never here.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['khettara_migrate', 'khettara_ingest', 'khettara_analytics', 'khettara_command', 'khettara_read']
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database of this server was migrated at the same moment
        END;
        -- Everybody has these by default; a hardened server may have taken them away.
        IF NOT (has_database_privilege(role_name, current_database(), 'CONNECT')
                AND has_database_privilege(role_name, current_database(), 'TEMPORARY')) THEN
            EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), role_name);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role_name);
    END LOOP;
    IF NOT pg_has_role(current_user, 'khettara_migrate', 'SET') THEN
        EXECUTE format('GRANT khettara_migrate TO %I', current_user);
    END IF;
END
$$;

GRANT CREATE ON SCHEMA public TO khettara_migrate;

-- A frozen ingestor must not hold ledger rows: its open transaction is ended and its locks with it.
ALTER ROLE khettara_ingest SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE khettara_ingest SET lock_timeout = '10s';
ALTER ROLE khettara_ingest SET statement_timeout = '60s';
ALTER ROLE khettara_command SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE khettara_command SET lock_timeout = '10s';
ALTER ROLE khettara_analytics SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE khettara_read SET statement_timeout = '30s';
ALTER ROLE khettara_read SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE khettara_read SET default_transaction_read_only = on;

-- TimescaleDB where the server has loaded it and we may; otherwise whoever may creates the extension before the first migration.
-- Without it everything below runs on plain PostgreSQL.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') OR NOT pg_has_role('pg_read_all_settings', 'USAGE') THEN
        RETURN;
    END IF;
    IF current_setting('shared_preload_libraries') LIKE '%timescaledb%' THEN
        CREATE EXTENSION timescaledb;
    END IF;
END
$$;

ALTER TABLE schema_migration OWNER TO khettara_migrate;
