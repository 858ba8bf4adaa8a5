-- name: server
-- Name and size of the database, version of the server, and TimescaleDB's where it is there.
SELECT current_database(), pg_database_size(current_database()), current_setting('server_version'),
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb');

-- name: migrations
-- What was applied, oldest first.
SELECT name, checksum FROM schema_migration ORDER BY name;

-- name: migrated
-- Whether this database was ever migrated.
SELECT to_regclass('public.schema_migration') IS NOT NULL AND to_regclass('public.reading') IS NOT NULL;

-- name: partitions
-- Partitions or chunks of the readings, their size on disk with indexes, and how many rows the planner believes they hold.
SELECT count(*), coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)::int8, coalesce(sum(greatest(c.reltuples, 0)), 0)::int8,
       coalesce(bool_or(c.reltuples < 0), false)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'public.reading'::regclass;

-- name: count_rows
-- Readings, one by one.
SELECT count(*) FROM reading;

-- name: span
-- Time of the oldest and of the newest reading, by one look into the index for each point.
SELECT min(o.time), max(n.time)
FROM point p
LEFT JOIN LATERAL (SELECT r.time FROM reading r WHERE r.point_id = p.point_id ORDER BY r.time LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT r.time FROM reading r WHERE r.point_id = p.point_id ORDER BY r.time DESC LIMIT 1) n ON true;

-- name: ledger
-- Sums of all ledgers, and how many of them do not add up.
SELECT count(*), coalesce(sum(n.numbers), 0)::int8, coalesce(sum(l.stored), 0)::int8, coalesce(sum(l.repeated), 0)::int8,
       coalesce(sum(l.dead), 0)::int8, count(*) FILTER (WHERE n.numbers <> l.stored + l.repeated + l.dead + l.dropped),
       coalesce(sum(l.dropped), 0)::int8
FROM ledger l
CROSS JOIN LATERAL (SELECT coalesce(sum(upper(r) - lower(r)), 0) AS numbers FROM unnest(l.committed) r) n;

-- name: dead_letters
-- Open letters by reason, the most first.
SELECT reason, count(*) FROM dead_letter WHERE replayed_at IS NULL GROUP BY reason ORDER BY count(*) DESC, reason;

-- name: tables
-- Every table of ours; partitions are counted by the table they are of.
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname;

-- name: one_form
-- One way to write each value, so that the same rows have the same checksum on every server.
SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'postgres', true),
       set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true);

-- name: snapshot
-- A name under which another session sees exactly what this transaction sees.
SELECT pg_export_snapshot();
