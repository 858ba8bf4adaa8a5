-- Readings, and the ledger that says which sequence numbers have become readings or dead letters.

SET LOCAL ROLE khettara_migrate;

-- Columns from wide to narrow: 48 bytes a row instead of 56. The value is a whole number of the point's resolution, NULL for none.
-- With TimescaleDB a hypertable, else native partitions, both of 7 days counted from 1970-01-01 UTC.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE TABLE reading (
            time     timestamptz NOT NULL,
            value    int8,
            point_id int4 NOT NULL,
            quality  int2 NOT NULL,
            PRIMARY KEY (point_id, time)
        );
        -- The default index on time alone would cost a third of the write rate and serve no query.
        PERFORM create_hypertable('reading', by_range('time', INTERVAL '7 days'), create_default_indexes => false);
        ALTER TABLE reading SET (
            timescaledb.compress, timescaledb.compress_segmentby = 'point_id', timescaledb.compress_orderby = 'time DESC'
        );
    ELSE
        CREATE TABLE reading (
            time     timestamptz NOT NULL,
            value    int8,
            point_id int4 NOT NULL,
            quality  int2 NOT NULL,
            PRIMARY KEY (point_id, time)
        ) PARTITION BY RANGE (time);
    END IF;
END
$$;

-- Makes the partitions that readings from first to last (both included) need; TimescaleDB makes its chunks itself.
-- A table is made first and attached then: that lets reads and writes of other partitions go on.
CREATE FUNCTION ensure_reading_partitions(first timestamptz, last timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    width CONSTANT interval := INTERVAL '7 days';
    start timestamptz := date_bin(width, first, '1970-01-01 00:00:00+00');
    name  text;
    made  int := 0;
BEGIN
    IF first < '2000-01-01 00:00:00+00' OR last >= '2100-01-01 00:00:00+00' OR first > last THEN
        RAISE EXCEPTION 'readings from % to % are outside the years 2000 to 2099', first, last USING ERRCODE = 'datetime_field_overflow';
    END IF;
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        RETURN 0;
    END IF;
    WHILE start <= last LOOP
        name := 'reading_' || to_char(start AT TIME ZONE 'UTC', 'YYYYMMDD');
        IF to_regclass('public.' || name) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('khettara reading partitions', 0));
            -- Asked of the table, not of to_regclass: its cache may not know yet what the holder of the lock before us made.
            IF NOT EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'public'::regnamespace) THEN
                EXECUTE format('CREATE TABLE public.%I (LIKE public.reading INCLUDING ALL)', name);
                EXECUTE format('ALTER TABLE public.reading ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                               name, start, start + width);
                made := made + 1;
            END IF;
        END IF;
        start := start + width;
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION ensure_reading_partitions(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_reading_partitions(timestamptz, timestamptz) TO khettara_ingest;

-- The ledger of a stream. Always: numbers in committed = stored + repeated + dead.
CREATE TABLE ledger (
    edge       text   NOT NULL,
    epoch      bigint NOT NULL,
    committed  int8multirange NOT NULL DEFAULT '{}',
    stored     bigint NOT NULL DEFAULT 0,
    repeated   bigint NOT NULL DEFAULT 0,
    dead       bigint NOT NULL DEFAULT 0,
    newest     timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (edge, epoch)
) WITH (fillfactor = 50);  -- one update a batch: leave room to do it in the same page
COMMENT ON COLUMN ledger.stored IS 'Numbers that became a new row of reading.';
COMMENT ON COLUMN ledger.repeated IS 'Numbers whose point and time already held the same value and quality.';
COMMENT ON COLUMN ledger.dead IS 'Numbers that became dead letters.';
COMMENT ON COLUMN ledger.newest IS 'Newest observation among the rows of this stream.';
COMMENT ON COLUMN ledger.updated_at IS 'Time of the last commit by the database server''s own clock.';

CREATE TABLE dead_letter (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT now(),
    edge         text NOT NULL,
    reason       text NOT NULL,
    detail       text NOT NULL,
    topic        text NOT NULL DEFAULT '',
    payload      bytea NOT NULL DEFAULT '',
    payload_size bigint NOT NULL DEFAULT 0,
    payload_sha256 bytea,
    epoch        bigint,
    first        bigint,
    last         bigint,
    point_id     int,
    time         timestamptz,
    value        bigint,
    kept_value   bigint
);
COMMENT ON TABLE dead_letter IS 'What could not become a reading, with the reason. payload is cut at 64 KiB; size and hash are of the whole.';
COMMENT ON COLUMN dead_letter.kept_value IS 'For reason conflict: what the readings table holds, where value was refused.';
CREATE INDEX dead_letter_edge ON dead_letter (edge, at);

CREATE TABLE gap_record (
    edge   text   NOT NULL,
    epoch  bigint NOT NULL,
    first  bigint NOT NULL,
    last   bigint NOT NULL,
    reason text   NOT NULL,
    at     timestamptz NOT NULL,
    PRIMARY KEY (edge, epoch, first),
    CHECK (first <= last)
);
COMMENT ON TABLE gap_record IS 'Numbers a gateway says it had to drop: they will never come.';

CREATE TABLE alias_binding (
    edge     text   NOT NULL,
    epoch    bigint NOT NULL,
    alias    bigint NOT NULL,
    device   text   NOT NULL,
    metric   text   NOT NULL,
    datatype int    NOT NULL,
    PRIMARY KEY (edge, epoch, alias)
);

CREATE TABLE gateway_state (
    edge       text PRIMARY KEY,
    online     boolean     NOT NULL,
    since      timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

GRANT SELECT, INSERT ON reading TO khettara_ingest;
GRANT SELECT, INSERT, UPDATE ON ledger, alias_binding, gateway_state TO khettara_ingest;
GRANT SELECT, INSERT ON dead_letter, gap_record TO khettara_ingest;
GRANT SELECT ON reading, ledger, dead_letter, gap_record, gateway_state TO khettara_analytics, khettara_command;
