-- Rollups of 15 minutes, an hour and a day, and how long each class of values is kept.
--
-- On TimescaleDB they are continuous aggregates. On plain PostgreSQL they are tables behind the same names and columns: every
-- transaction that writes readings leaves a mark (span of time, points), and a bucket under a mark is answered from the readings until
-- refresh_rollups() has written it anew. So late, repeated and corrected readings count at once, and exactly.
-- Buckets start at whole multiples of their width since 1970-01-01 UTC. Values are in counts, as in reading.

DO $$
BEGIN
    -- TimescaleDB runs a policy as the owner of what it works on, who must be allowed to log in; it has no password to do it with.
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
       AND NOT (SELECT rolcanlogin FROM pg_roles WHERE rolname = 'khettara_migrate') THEN
        ALTER ROLE khettara_migrate LOGIN;
    END IF;
END
$$;

SET LOCAL ROLE khettara_migrate;

CREATE TABLE retention (
    only_one          boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    raw_days          int CHECK (raw_days >= 30),
    quarter_hour_days int CHECK (quarter_hour_days >= raw_days),
    hour_days         int CHECK (hour_days >= quarter_hour_days),
    day_days          int CHECK (day_days >= hour_days),
    raw_from          timestamptz NOT NULL DEFAULT '-infinity',
    CHECK (raw_days IS NOT NULL OR quarter_hour_days IS NULL),
    CHECK (quarter_hour_days IS NOT NULL OR hour_days IS NULL),
    CHECK (hour_days IS NOT NULL OR day_days IS NULL)
);
COMMENT ON TABLE retention IS 'Days that values are kept; NULL is for ever. A coarser class is never kept for less time than a finer one.';
COMMENT ON COLUMN retention.raw_from IS 'Readings before it were dropped; rollups before it stay as they are.';
INSERT INTO retention (raw_days, quarter_hour_days, hour_days, day_days) VALUES (730, 1826, 3652, NULL);
GRANT SELECT ON retention TO khettara_analytics, khettara_command;

CREATE FUNCTION rollup_floor(width interval, at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN isfinite(at) THEN to_timestamp((floor(extract(epoch FROM at) / extract(epoch FROM width)) * extract(epoch FROM width))::float8)
                ELSE at END
$$;
CREATE FUNCTION rollup_ceil(width interval, at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN isfinite(at) THEN to_timestamp((ceil(extract(epoch FROM at) / extract(epoch FROM width)) * extract(epoch FROM width))::float8)
                ELSE at END
$$;

-- The coarsest class whose buckets fill buckets of a width.
CREATE FUNCTION rollup_class(width interval) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN extract(epoch FROM width) < 900 OR extract(epoch FROM width) % 900 <> 0 THEN 'raw'
                WHEN extract(epoch FROM width) % 3600 <> 0 THEN '15min'
                WHEN extract(epoch FROM width) % 86400 <> 0 THEN 'hour'
                ELSE 'day' END
$$;

-- The width of a drawing's buckets: not below what is asked for, and from 10 minutes on such that a rollup can answer.
CREATE FUNCTION panel_width(wanted interval, least_width interval) RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN greatest(wanted, least_width) < INTERVAL '10 minutes' THEN greatest(wanted, least_width)
                ELSE make_interval(secs => (ceil(extract(epoch FROM greatest(wanted, least_width)) / 900) * 900)::float8) END
$$;

-- Readings in counts, for the functions below: they run as whoever asks.
CREATE VIEW v_count AS SELECT point_id, time, value, quality FROM reading;

CREATE OR REPLACE VIEW v_point AS
SELECT key AS point, quantity, kind, role, unit, zone, resolution, low, high, period_s, node, x, y, point_id, numerator, denominator
FROM point;

-- Rollup rows of one point straight from its readings with since <= time < until. Good is quality good or estimated, with a value.
-- rise: sum of the upward steps between successive good values of the bucket; falls, fallen: number and sum of the downward ones.
CREATE FUNCTION rollup_of_readings(id int4, since timestamptz, until timestamptz, width interval)
RETURNS TABLE (point_id int4, "time" timestamptz, received int4, good int4, estimated int4, suspect int4, min int8, max int8,
               sum float8, first int8, last int8, rise float8, falls int4, fallen float8)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT id, s.bucket, count(*)::int4, (count(*) FILTER (WHERE s.good))::int4, (count(*) FILTER (WHERE s.quality = 3))::int4,
           (count(*) FILTER (WHERE s.quality IN (1, 2, 4)))::int4,
           min(s.value) FILTER (WHERE s.good), max(s.value) FILTER (WHERE s.good), sum(s.value::float8) FILTER (WHERE s.good),
           max(s.value) FILTER (WHERE s.good AND s.before IS NULL), max(s.value) FILTER (WHERE s.good AND s.after IS NULL),
           coalesce(sum(s.value::float8 - s.before) FILTER (WHERE s.good AND s.value > s.before), 0),
           (count(*) FILTER (WHERE s.good AND s.value < s.before))::int4,
           coalesce(sum(s.before - s.value::float8) FILTER (WHERE s.good AND s.value < s.before), 0)
    FROM (
        SELECT r.value, r.quality, r.good, r.bucket, lag(r.value) OVER w AS before, lead(r.value) OVER w AS after
        FROM (
            SELECT c.time, c.value, c.quality, c.quality IN (0, 3) AND c.value IS NOT NULL AS good,
                   date_bin(width, c.time, '1970-01-01 00:00:00+00') AS bucket
            FROM v_count c WHERE c.point_id = id AND c.time >= since AND c.time < until
        ) r
        WINDOW w AS (PARTITION BY r.bucket, r.good ORDER BY r.time)
    ) s
    GROUP BY s.bucket
$$;

-- Marks: what was written since the rollups were. Empty on TimescaleDB, which keeps its own.
CREATE TABLE rollup_dirty (
    starts timestamptz NOT NULL,
    ends   timestamptz NOT NULL,
    points int4multirange NOT NULL,
    CHECK (starts < ends)
);
CREATE TABLE rollup_dirty_day (LIKE rollup_dirty INCLUDING ALL);
COMMENT ON TABLE rollup_dirty IS 'Hours of points whose rollups may differ from their readings. -infinity to infinity: some writer did not say.';
COMMENT ON TABLE rollup_dirty_day IS 'Days of points whose hours were written anew.';

DO $do$
DECLARE
    class   record;
    shape   CONSTANT text := '(point_id int4, "time" timestamptz, received int4, good int4, estimated int4, suspect int4, min int8,
                              max int8, sum float8, first int8, last int8, rise float8, falls int4, fallen float8)';
    columns CONSTANT text := 'point_id, "time", received, good, estimated, suspect, min, max, sum, first, last, rise, falls, fallen';
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE FUNCTION counter_step(state float8[], value int8) RETURNS float8[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
        BEGIN
            IF state IS NULL THEN
                RETURN ARRAY[value::float8, 0, 0, 0];
            ELSIF value >= state[1] THEN
                RETURN ARRAY[value::float8, state[2] + (value - state[1]), state[3], state[4]];
            END IF;
            RETURN ARRAY[value::float8, state[2], state[3] + 1, state[4] + (state[1] - value)];
        END
        $$;
        CREATE AGGREGATE counter_steps(int8) (SFUNC = counter_step, STYPE = float8[]);
        FOR class IN SELECT * FROM (VALUES ('15min', '15 minutes'), ('hour', '1 hour'), ('day', '1 day')) AS c (name, width) LOOP
            EXECUTE format($$
                CREATE MATERIALIZED VIEW reading_%s WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
                SELECT point_id, time_bucket(INTERVAL %L, time) AS "time", count(*)::int4 AS received,
                       (count(*) FILTER (WHERE quality IN (0, 3) AND value IS NOT NULL))::int4 AS good,
                       (count(*) FILTER (WHERE quality = 3))::int4 AS estimated,
                       (count(*) FILTER (WHERE quality IN (1, 2, 4)))::int4 AS suspect,
                       min(value) FILTER (WHERE quality IN (0, 3)) AS min, max(value) FILTER (WHERE quality IN (0, 3)) AS max,
                       sum(value::float8) FILTER (WHERE quality IN (0, 3)) AS sum,
                       first(value, time) FILTER (WHERE quality IN (0, 3) AND value IS NOT NULL) AS first,
                       last(value, time) FILTER (WHERE quality IN (0, 3) AND value IS NOT NULL) AS last,
                       coalesce((counter_steps(value ORDER BY time) FILTER (WHERE quality IN (0, 3) AND value IS NOT NULL))[2], 0) AS rise,
                       coalesce((counter_steps(value ORDER BY time) FILTER (WHERE quality IN (0, 3) AND value IS NOT NULL))[3], 0)::int4 AS falls,
                       coalesce((counter_steps(value ORDER BY time) FILTER (WHERE quality IN (0, 3) AND value IS NOT NULL))[4], 0) AS fallen
                FROM reading GROUP BY point_id, time_bucket(INTERVAL %L, time)
                WITH NO DATA$$, class.name, class.width, class.width);
            EXECUTE format($$
                CREATE FUNCTION reading_%s_of(id int4, since timestamptz, until timestamptz) RETURNS TABLE %s
                LANGUAGE sql STABLE PARALLEL SAFE AS
                'SELECT %s FROM reading_%s r WHERE r.point_id = id AND r.time >= since AND r.time < until'
                $$, class.name, shape, columns, class.name);
        END LOOP;
    ELSE
        FOR class IN SELECT * FROM (VALUES ('15min'), ('hour'), ('day')) AS c (name) LOOP
            EXECUTE format('CREATE TABLE rollup_%s (
                "time" timestamptz NOT NULL, min int8, max int8, sum float8, first int8, last int8, rise float8 NOT NULL,
                fallen float8 NOT NULL, point_id int4 NOT NULL, received int4 NOT NULL, good int4 NOT NULL, estimated int4 NOT NULL,
                suspect int4 NOT NULL, falls int4 NOT NULL, PRIMARY KEY (point_id, "time")
            ) PARTITION BY RANGE ("time")', class.name);
            EXECUTE format('CREATE VIEW v_rollup_%s AS SELECT %s FROM rollup_%s', class.name, columns, class.name);
            EXECUTE format('GRANT SELECT ON rollup_%s TO khettara_analytics, khettara_command', class.name);
            EXECUTE format('GRANT SELECT ON v_rollup_%s TO khettara_read, khettara_analytics, khettara_command', class.name);
        END LOOP;
        CREATE VIEW v_rollup_dirty AS
        SELECT greatest(d.starts, t.raw_from) AS starts, d.ends, d.points FROM rollup_dirty d CROSS JOIN retention t WHERE d.ends > t.raw_from;
        CREATE VIEW v_rollup_dirty_day AS
        SELECT rollup_floor('1 day', starts) AS starts, rollup_ceil('1 day', ends) AS ends, points FROM v_rollup_dirty
        UNION ALL
        SELECT starts, ends, points FROM rollup_dirty_day;
        GRANT SELECT ON v_rollup_dirty, v_rollup_dirty_day TO khettara_read, khettara_analytics, khettara_command;

        -- Whole buckets of one point: the table's where there is no mark, else from the readings.
        FOR class IN SELECT * FROM (VALUES ('15min', '15 minutes'), ('hour', '1 hour')) AS c (name, width) LOOP
            EXECUTE format($$
                CREATE FUNCTION reading_%1$s_of(id int4, since timestamptz, until timestamptz) RETURNS TABLE %2$s
                LANGUAGE sql STABLE PARALLEL SAFE AS '
                SELECT b.* FROM (
                    SELECT range_agg(tstzrange(d.starts, d.ends)) * tstzmultirange(tstzrange(since, greatest(since, until))) AS dirty
                    FROM v_rollup_dirty d WHERE d.points @> id AND d.starts < until AND d.ends > since
                ) x CROSS JOIN LATERAL (
                    SELECT %3$s FROM v_rollup_%1$s c
                    WHERE c.point_id = id AND c.time >= since AND c.time < until AND NOT coalesce(x.dirty @> c.time, false)
                    UNION ALL
                    SELECT r.* FROM unnest(x.dirty) u CROSS JOIN LATERAL rollup_of_readings(id, lower(u), upper(u), ''%4$s'') r
                ) b'$$, class.name, shape, columns, class.width);
        END LOOP;
        -- Buckets of a width out of finer ones: a step between two of them counts in the later one's bucket.
        FOR class IN SELECT * FROM (VALUES ('hour', '1 hour', '15min'), ('day', '1 day', 'hour')) AS c (name, width, finer) LOOP
            EXECUTE format($$
                CREATE FUNCTION rollup_%1$s_of_%3$s(id int4, since timestamptz, until timestamptz) RETURNS TABLE %4$s
                LANGUAGE sql STABLE PARALLEL SAFE AS '
                SELECT id, s.bucket, sum(s.received)::int4, sum(s.good)::int4, sum(s.estimated)::int4, sum(s.suspect)::int4,
                       min(s.min), max(s.max), sum(s.sum),
                       max(s.first) FILTER (WHERE s.before IS NULL), max(s.last) FILTER (WHERE s.after IS NULL),
                       sum(s.rise) + coalesce(sum(s.first::float8 - s.before) FILTER (WHERE s.first > s.before), 0),
                       (sum(s.falls) + count(*) FILTER (WHERE s.first < s.before))::int4,
                       sum(s.fallen) + coalesce(sum(s.before - s.first::float8) FILTER (WHERE s.first < s.before), 0)
                FROM (
                    SELECT f.*, lag(f.last) OVER w AS before, lead(f.first) OVER w AS after
                    FROM (
                        SELECT q.*, date_bin(''%2$s'', q.time, ''1970-01-01 00:00:00+00'') AS bucket FROM reading_%3$s_of(id, since, until) q
                    ) f
                    WINDOW w AS (PARTITION BY f.bucket, f.good > 0 ORDER BY f.time)
                ) s
                GROUP BY s.bucket'$$, class.name, class.width, class.finer, shape);
        END LOOP;
        EXECUTE format($$
            CREATE FUNCTION reading_day_of(id int4, since timestamptz, until timestamptz) RETURNS TABLE %1$s
            LANGUAGE sql STABLE PARALLEL SAFE AS '
            SELECT b.* FROM (
                SELECT range_agg(tstzrange(d.starts, d.ends)) * tstzmultirange(tstzrange(since, greatest(since, until))) AS dirty
                FROM v_rollup_dirty_day d WHERE d.points @> id AND d.starts < until AND d.ends > since
            ) x CROSS JOIN LATERAL (
                SELECT %2$s FROM v_rollup_day c
                WHERE c.point_id = id AND c.time >= since AND c.time < until AND NOT coalesce(x.dirty @> c.time, false)
                UNION ALL
                SELECT r.* FROM unnest(x.dirty) u CROSS JOIN LATERAL rollup_day_of_hour(id, lower(u), upper(u)) r
            ) b'$$, shape, columns);
        FOR class IN SELECT * FROM (VALUES ('15min'), ('hour'), ('day')) AS c (name) LOOP
            EXECUTE format('CREATE VIEW reading_%s AS SELECT r.* FROM point p CROSS JOIN LATERAL reading_%s_of(p.point_id, ''-infinity'', ''infinity'') r',
                           class.name, class.name);
        END LOOP;
    END IF;
    GRANT SELECT ON reading_15min, reading_hour, reading_day TO khettara_read, khettara_analytics, khettara_command;
END
$do$;
GRANT SELECT ON v_count TO khettara_read, khettara_analytics, khettara_command;

-- The writer says what it is about to write: whole hours, and the points of each span. Call it before the readings, in their
-- transaction: an INSERT without it marks everything, which is right, and slow until the next refresh.
CREATE FUNCTION mark_readings(span_starts timestamptz[], span_ends timestamptz[], span_points text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        RETURN;
    END IF;
    INSERT INTO rollup_dirty SELECT s, e, p::int4multirange FROM unnest(span_starts, span_ends, span_points) AS m (s, e, p);
    PERFORM set_config('khettara.marked', pg_current_xact_id()::text, true);
END
$$;
REVOKE ALL ON FUNCTION mark_readings(timestamptz[], timestamptz[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mark_readings(timestamptz[], timestamptz[], text[]) TO khettara_ingest;

CREATE FUNCTION readings_were_inserted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF current_setting('khettara.marked', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        INSERT INTO rollup_dirty VALUES ('-infinity', 'infinity', '{(,)}');
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION readings_were_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO rollup_dirty VALUES ('-infinity', 'infinity', '{(,)}');
        RETURN NULL;
    END IF;
    INSERT INTO rollup_dirty
    SELECT h.hour, h.hour + INTERVAL '1 hour', range_agg(int4range(h.point_id, h.point_id, '[]'))
    FROM (SELECT DISTINCT o.point_id, rollup_floor('1 hour', o.time) AS hour FROM gone o) h
    GROUP BY h.hour;
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO rollup_dirty
        SELECT h.hour, h.hour + INTERVAL '1 hour', range_agg(int4range(h.point_id, h.point_id, '[]'))
        FROM (SELECT DISTINCT n.point_id, rollup_floor('1 hour', n.time) AS hour FROM come n) h
        GROUP BY h.hour;
    END IF;
    RETURN NULL;
END
$$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        -- No transition table here: with one, COPY into a partitioned table goes row by row.
        CREATE TRIGGER reading_inserted AFTER INSERT ON reading FOR EACH STATEMENT EXECUTE FUNCTION readings_were_inserted();
        CREATE TRIGGER reading_updated AFTER UPDATE ON reading REFERENCING OLD TABLE AS gone NEW TABLE AS come
            FOR EACH STATEMENT EXECUTE FUNCTION readings_were_changed();
        CREATE TRIGGER reading_deleted AFTER DELETE ON reading REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION readings_were_changed();
        CREATE TRIGGER reading_truncated AFTER TRUNCATE ON reading FOR EACH STATEMENT EXECUTE FUNCTION readings_were_changed();
        IF EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'reading'::regclass) THEN
            INSERT INTO rollup_dirty VALUES ('-infinity', 'infinity', '{(,)}');
        END IF;
    END IF;
END
$$;

-- Partitions of the rollup tables: the coarser the class, the wider.
CREATE FUNCTION ensure_rollup_partitions(class text, first timestamptz, last timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    width CONSTANT interval := CASE class WHEN '15min' THEN INTERVAL '28 days' WHEN 'hour' THEN INTERVAL '364 days' ELSE INTERVAL '3640 days' END;
    start timestamptz := date_bin(width, first, '1970-01-01 00:00:00+00');
    name  text;
BEGIN
    WHILE start <= last LOOP
        name := format('rollup_%s_%s', class, to_char(start AT TIME ZONE 'UTC', 'YYYYMMDD'));
        IF NOT EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'public'::regnamespace) THEN
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, 'rollup_' || class);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', 'rollup_' || class, name, start, start + width);
        END IF;
        start := start + width;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION ensure_rollup_partitions(text, timestamptz, timestamptz) FROM PUBLIC;

-- Marks of like spans become one, and spans longer than a day are cut into days that hold readings.
CREATE FUNCTION tidy_rollup_marks() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    oldest timestamptz;
    newest timestamptz;
BEGIN
    DELETE FROM rollup_dirty USING retention t WHERE ends <= t.raw_from;
    WITH many AS (
        SELECT starts, ends FROM rollup_dirty GROUP BY starts, ends HAVING count(*) > 1
    ), gone AS (
        DELETE FROM rollup_dirty d USING many m WHERE (d.starts, d.ends) = (m.starts, m.ends) RETURNING d.*
    )
    INSERT INTO rollup_dirty SELECT starts, ends, range_agg(points) FROM gone GROUP BY starts, ends;
    IF EXISTS (SELECT FROM rollup_dirty WHERE ends - starts > INTERVAL '1 day') THEN
        -- Readings that a mark is for are committed with it, so what is seen now covers every mark that is seen now, and more:
        -- rollups too, whose readings may be gone.
        WITH wide AS (
            DELETE FROM rollup_dirty WHERE ends - starts > INTERVAL '1 day' RETURNING *
        ), edge AS (
            SELECT min(o.time) AS oldest, max(n.time) AS newest
            FROM point p
            LEFT JOIN LATERAL (
                (SELECT r.time FROM reading r WHERE r.point_id = p.point_id ORDER BY r.time LIMIT 1)
                UNION ALL (SELECT q.time FROM rollup_15min q WHERE q.point_id = p.point_id ORDER BY q.time LIMIT 1)
            ) o ON true
            LEFT JOIN LATERAL (
                (SELECT r.time FROM reading r WHERE r.point_id = p.point_id ORDER BY r.time DESC LIMIT 1)
                UNION ALL (SELECT q.time FROM rollup_15min q WHERE q.point_id = p.point_id ORDER BY q.time DESC LIMIT 1)
            ) n ON true
        ), span AS (
            SELECT greatest(w.starts, t.raw_from, rollup_floor('1 day', e.oldest)) AS starts,
                   least(w.ends, rollup_floor('1 day', e.newest) + INTERVAL '24 hours') AS ends, w.points
            FROM wide w CROSS JOIN edge e CROSS JOIN retention t
        )
        INSERT INTO rollup_dirty
        SELECT greatest(s.starts, d), least(s.ends, d + INTERVAL '24 hours'), s.points
        FROM span s
        CROSS JOIN LATERAL generate_series(rollup_floor('1 day', s.starts), s.ends - INTERVAL '1 microsecond', INTERVAL '24 hours') d
        WHERE s.starts < s.ends;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION tidy_rollup_marks() FROM PUBLIC;

-- Writes buckets that have ended by a moment and lie under marks, newest first, at most so many marks; the marks go in the same
-- transaction. One refresh at a time: a second one does nothing. On TimescaleDB the policies do this.
-- Returns the number of rows of rollups written, and of marks that are still there and could be worked on.
CREATE FUNCTION refresh_rollups(at timestamptz, most int DEFAULT 48, OUT written bigint, OUT waiting bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    hour    CONSTANT timestamptz := rollup_floor('1 hour', at);
    day     CONSTANT timestamptz := rollup_floor('1 day', at);
    rows    bigint;
    taken   rollup_dirty[];
    mark    rollup_dirty;
BEGIN
    written := 0;
    waiting := 0;
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
       OR NOT pg_try_advisory_xact_lock(hashtextextended('khettara rollups', 0)) THEN
        RETURN;
    END IF;
    PERFORM tidy_rollup_marks();
    -- What is committed after this DELETE and before the readings are read is counted in, and its mark stays for the next time.
    WITH ready AS (
        SELECT ctid FROM rollup_dirty WHERE starts < hour ORDER BY starts DESC LIMIT most
    ), gone AS (
        DELETE FROM rollup_dirty d USING ready r WHERE d.ctid = r.ctid RETURNING d.*
    ), open AS (
        INSERT INTO rollup_dirty SELECT hour, g.ends, g.points FROM gone g WHERE g.ends > hour
    )
    SELECT array_agg(ROW (g.starts, least(g.ends, hour), g.points)::rollup_dirty ORDER BY g.starts) INTO taken FROM gone g;
    FOREACH mark IN ARRAY coalesce(taken, '{}') LOOP
        PERFORM ensure_rollup_partitions(c, mark.starts, mark.ends - INTERVAL '1 microsecond') FROM unnest(ARRAY['15min', 'hour', 'day']) c;
        DELETE FROM rollup_15min q USING point p
        WHERE mark.points @> p.point_id AND q.point_id = p.point_id AND q.time >= mark.starts AND q.time < mark.ends;
        INSERT INTO rollup_15min (point_id, time, received, good, estimated, suspect, min, max, sum, first, last, rise, falls, fallen)
        SELECT r.* FROM point p CROSS JOIN LATERAL rollup_of_readings(p.point_id, mark.starts, mark.ends, '15 minutes') r
        WHERE mark.points @> p.point_id;
        GET DIAGNOSTICS rows = ROW_COUNT;
        written := written + rows;
        DELETE FROM rollup_hour q USING point p
        WHERE mark.points @> p.point_id AND q.point_id = p.point_id AND q.time >= mark.starts AND q.time < mark.ends;
        INSERT INTO rollup_hour (point_id, time, received, good, estimated, suspect, min, max, sum, first, last, rise, falls, fallen)
        SELECT r.* FROM point p CROSS JOIN LATERAL rollup_hour_of_15min(p.point_id, mark.starts, mark.ends) r
        WHERE mark.points @> p.point_id;
        GET DIAGNOSTICS rows = ROW_COUNT;
        written := written + rows;
        INSERT INTO rollup_dirty_day
        VALUES (rollup_floor('1 day', mark.starts), rollup_ceil('1 day', mark.ends), mark.points);
    END LOOP;
    -- Days that have ended and none of whose hours waits any more.
    WITH ready AS (
        SELECT DISTINCT d.starts, d.ends FROM rollup_dirty_day d
        WHERE d.ends <= day AND NOT EXISTS (SELECT FROM rollup_dirty h WHERE h.starts < d.ends AND h.ends > d.starts)
        ORDER BY d.starts DESC LIMIT most
    ), gone AS (
        DELETE FROM rollup_dirty_day d USING ready r WHERE (d.starts, d.ends) = (r.starts, r.ends) RETURNING d.*
    )
    SELECT array_agg(ROW (g.starts, g.ends, g.points)::rollup_dirty) INTO taken
    FROM (SELECT starts, ends, range_agg(points) AS points FROM gone GROUP BY starts, ends) g;
    FOREACH mark IN ARRAY coalesce(taken, '{}') LOOP
        DELETE FROM rollup_day q USING point p
        WHERE mark.points @> p.point_id AND q.point_id = p.point_id AND q.time >= mark.starts AND q.time < mark.ends;
        INSERT INTO rollup_day (point_id, time, received, good, estimated, suspect, min, max, sum, first, last, rise, falls, fallen)
        SELECT r.* FROM point p CROSS JOIN LATERAL rollup_day_of_hour(p.point_id, mark.starts, mark.ends) r
        WHERE mark.points @> p.point_id;
        GET DIAGNOSTICS rows = ROW_COUNT;
        written := written + rows;
    END LOOP;
    SELECT count(*) INTO waiting FROM rollup_dirty WHERE starts < hour;
END
$$;
REVOKE ALL ON FUNCTION refresh_rollups(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refresh_rollups(timestamptz, int) TO khettara_analytics;

-- ---------------------------------------------------------------------------------------------------------------------------------
-- Retention. An administrator sets it; whoever may apply it can only drop what is older by the readings' own time.

CREATE FUNCTION set_retention(raw int, quarter_hour int, hour int, day int) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    class record;
BEGIN
    UPDATE retention SET raw_days = raw, quarter_hour_days = quarter_hour, hour_days = hour, day_days = day;
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        FOR class IN SELECT * FROM (VALUES ('15min', INTERVAL '15 minutes', INTERVAL '5 minutes'),
                                           ('hour', INTERVAL '1 hour', INTERVAL '15 minutes'),
                                           ('day', INTERVAL '1 day', INTERVAL '1 hour')) AS c (name, width, pace) LOOP
            PERFORM remove_continuous_aggregate_policy(('reading_' || class.name)::regclass, if_exists => true);
            -- The start stays clear of the chunks that are dropped: refreshed, their buckets would be empty.
            PERFORM add_continuous_aggregate_policy(('reading_' || class.name)::regclass, end_offset => class.width,
                start_offset => make_interval(days => raw - 14), schedule_interval => class.pace);
        END LOOP;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION set_retention(int, int, int, int) FROM PUBLIC;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM set_retention(730, 1826, 3652, NULL);
        -- Segments by point, ordered by time, as 0003 says. Two weeks old is past nearly every late reading: those cost more here.
        PERFORM add_compression_policy('reading', compress_after => INTERVAL '14 days');
    END IF;
END
$$;

-- Partitions or chunks that are older than their class is kept, the oldest first, and what becomes of each. Readings whose rollups are
-- not written yet stay, and all after them. Nothing is dropped in a dry run.
CREATE FUNCTION apply_retention(at timestamptz, dry_run boolean)
RETURNS TABLE (class text, part text, starts timestamptz, ends timestamptz, bytes bigint, became text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    on_timescale CONSTANT boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');
    newest timestamptz;
    gone   timestamptz;  -- readings before it are dropped, or would be
    clear  boolean;
    days   int;
    drop_before timestamptz;
BEGIN
    SELECT max(l.time) INTO newest
    FROM point p CROSS JOIN LATERAL (SELECT r.time FROM reading r WHERE r.point_id = p.point_id ORDER BY r.time DESC LIMIT 1) l;
    -- A wrong clock of the caller drops nothing.
    newest := least(newest, at);
    SELECT raw_from INTO gone FROM retention;
    FOR class, days IN
        SELECT c.name, c.days FROM retention t
        CROSS JOIN LATERAL (VALUES (1, 'reading', t.raw_days), (2, '15min', t.quarter_hour_days), (3, 'hour', t.hour_days), (4, 'day', t.day_days))
            AS c (place, name, days)
        WHERE c.days IS NOT NULL ORDER BY c.place
    LOOP
        drop_before := NULL;
        FOR part, starts, ends, bytes IN
            SELECT q.part, q.starts, q.ends, pg_total_relation_size(q.part::regclass) FROM retention_parts(class) q
            WHERE q.ends <= newest - make_interval(days => days) ORDER BY q.starts
        LOOP
            IF class = 'reading' AND ends > gone THEN
                IF NOT dry_run AND NOT on_timescale THEN
                    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part);  -- from here on no writer can add to it
                END IF;
                clear := rollups_are_written(starts, ends);
            ELSE
                clear := class = 'reading' OR (ends <= gone OR on_timescale)
                         AND NOT EXISTS (SELECT FROM rollup_dirty_day d WHERE d.starts < apply_retention.ends AND d.ends > apply_retention.starts);
            END IF;
            became := CASE WHEN NOT clear THEN 'waits for rollups' WHEN dry_run THEN 'would be dropped' ELSE 'dropped' END;
            IF clear AND class = 'reading' THEN
                gone := greatest(gone, ends);
            END IF;
            IF clear AND NOT dry_run THEN
                IF on_timescale THEN
                    drop_before := ends;
                ELSE
                    EXECUTE format('DROP TABLE %s', part);
                END IF;
                IF class = 'reading' THEN
                    UPDATE retention SET raw_from = gone;
                END IF;
            END IF;
            RETURN NEXT;
            EXIT WHEN NOT clear;
        END LOOP;
        IF drop_before IS NOT NULL THEN  -- all at once: the invalidation it leaves must not meet the next chunk's check
            PERFORM drop_chunks(CASE WHEN class = 'reading' THEN 'reading'::regclass ELSE ('reading_' || class)::regclass END,
                                older_than => drop_before);
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION apply_retention(timestamptz, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION apply_retention(timestamptz, boolean) TO khettara_analytics;

DO $do$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE FUNCTION retention_parts(class text) RETURNS TABLE (part text, starts timestamptz, ends timestamptz)
        LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
            SELECT format('%I.%I', c.chunk_schema, c.chunk_name), c.range_start, c.range_end
            FROM timescaledb_information.chunks c
            LEFT JOIN timescaledb_information.continuous_aggregates a
                ON (a.materialization_hypertable_schema, a.materialization_hypertable_name) = (c.hypertable_schema, c.hypertable_name)
            WHERE CASE WHEN class = 'reading' THEN c.hypertable_name = 'reading' ELSE a.view_name = 'reading_' || class END
        $$;
        -- Written is what no invalidation covers: TimescaleDB keeps one over all that was never refreshed. One that ends with the span's
        -- first moment is of the chunk before, which was dropped.
        CREATE FUNCTION rollups_are_written(since timestamptz, until timestamptz) RETURNS boolean
        LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
            WITH span AS (
                SELECT (extract(epoch FROM since) * 1000000)::int8 AS low, (extract(epoch FROM until) * 1000000)::int8 - 1 AS high
            )
            SELECT NOT EXISTS (
                SELECT FROM _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log i
                JOIN _timescaledb_catalog.hypertable h ON h.id = i.hypertable_id AND h.table_name = 'reading'
                JOIN span s ON i.lowest_modified_value <= s.high AND i.greatest_modified_value >= s.low
                    AND NOT (i.lowest_modified_value < s.low AND i.greatest_modified_value = s.low)
            ) AND NOT EXISTS (
                SELECT FROM _timescaledb_catalog.continuous_aggs_materialization_invalidation_log i
                JOIN _timescaledb_catalog.continuous_agg a ON a.mat_hypertable_id = i.materialization_id
                JOIN span s ON i.lowest_modified_value <= s.high AND i.greatest_modified_value >= s.low
                    AND NOT (i.lowest_modified_value < s.low AND i.greatest_modified_value = s.low)
            )
        $$;
    ELSE
        CREATE FUNCTION retention_parts(class text) RETURNS TABLE (part text, starts timestamptz, ends timestamptz)
        LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
            SELECT c.oid::regclass::text, substring(b.bound FROM 'FROM \(''([^'']+)')::timestamptz, substring(b.bound FROM 'TO \(''([^'']+)')::timestamptz
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
            WHERE i.inhparent = (CASE WHEN class = 'reading' THEN 'reading' ELSE 'rollup_' || class END)::regclass
        $$;
        CREATE FUNCTION rollups_are_written(since timestamptz, until timestamptz) RETURNS boolean
        LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
            SELECT NOT EXISTS (SELECT FROM rollup_dirty d WHERE d.starts < until AND d.ends > since)
        $$;
    END IF;
    REVOKE ALL ON FUNCTION retention_parts(text), rollups_are_written(timestamptz, timestamptz) FROM PUBLIC;
END
$do$;

-- ---------------------------------------------------------------------------------------------------------------------------------
-- What readers see. The functions take the time span as arguments, are exact for since <= time < until whatever these are (what sticks
-- out of whole buckets is read from the readings), and are the quick road.

DO $do$
DECLARE
    class record;
    shape CONSTANT text := '(point_id int4, "time" timestamptz, received int4, good int4, estimated int4, suspect int4, min int8,
                            max int8, sum float8, first int8, last int8, rise float8, falls int4, fallen float8)';
BEGIN
    FOR class IN SELECT * FROM (VALUES ('15min', '15 minutes', 'rollup_of_readings(id, %s, %s, ''''15 minutes'''')'),
                                       ('hour', '1 hour', 'rollup_of_readings(id, %s, %s, ''''1 hour'''')'),
                                       ('day', '1 day', 'reading_hour_rows(id, %s, %s)')) AS c (name, width, edge) LOOP
        EXECUTE format($$
            CREATE FUNCTION reading_%1$s_rows(id int4, since timestamptz, until timestamptz) RETURNS TABLE %2$s
            LANGUAGE sql STABLE PARALLEL SAFE AS '
            SELECT * FROM %4$s
            UNION ALL
            SELECT * FROM reading_%1$s_of(id, rollup_ceil(''%3$s'', since), rollup_floor(''%3$s'', until))
            UNION ALL
            SELECT * FROM %5$s'$$, class.name, shape, class.width,
            format(class.edge, 'since', format('least(rollup_ceil(''''%s'''', since), until)', class.width)),
            format(class.edge, format('greatest(rollup_floor(''''%1$s'''', until), rollup_ceil(''''%1$s'''', since))', class.width), 'until'));
    END LOOP;
END
$do$;

-- Rows of rollups of one point whose buckets fill buckets of a width, one or more to each of them, in counts; without a class that fits,
-- rows straight from the readings.
CREATE FUNCTION rollup_rows(id int4, width interval, since timestamptz, until timestamptz)
RETURNS TABLE (point_id int4, "time" timestamptz, received int4, good int4, estimated int4, suspect int4, min int8, max int8,
               sum float8, first int8, last int8, rise float8, falls int4, fallen float8)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT * FROM rollup_of_readings(id, since, until, width) WHERE rollup_class(width) = 'raw'
    UNION ALL
    SELECT * FROM reading_15min_rows(id, since, until) WHERE rollup_class(width) = '15min'
    UNION ALL
    SELECT * FROM reading_hour_rows(id, since, until) WHERE rollup_class(width) = 'hour'
    UNION ALL
    SELECT * FROM reading_day_rows(id, since, until) WHERE rollup_class(width) = 'day'
$$;

-- The same of every point; min to last and rise, fallen in the canonical unit. sum / good is the mean.
CREATE FUNCTION reading_rollup(width interval, since timestamptz, until timestamptz)
RETURNS TABLE (point_id int4, point text, zone text, quantity text, role text, unit text, kind text, period_s int4, "time" timestamptz,
               received int4, good int4, estimated int4, suspect int4, min float8, max float8, sum float8, first float8, last float8,
               rise float8, falls int4, fallen float8)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT p.point_id, p.point, p.zone, p.quantity, p.role, p.unit, p.kind, p.period_s, b.time, b.received, b.good, b.estimated, b.suspect,
           b.min * p.numerator / p.denominator, b.max * p.numerator / p.denominator, b.sum * p.numerator / p.denominator,
           b.first * p.numerator / p.denominator, b.last * p.numerator / p.denominator, b.rise * p.numerator / p.denominator, b.falls,
           b.fallen * p.numerator / p.denominator
    FROM v_point p
    CROSS JOIN LATERAL rollup_rows(p.point_id, width, since, until) b
$$;

CREATE OR REPLACE FUNCTION reading_bucket(width interval, since timestamptz, until timestamptz)
RETURNS TABLE (point text, zone text, quantity text, role text, unit text, "time" timestamptz,
               mean float8, min float8, max float8, samples bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT r.point, r.zone, r.quantity, r.role, r.unit, date_bin(width, r.time, '1970-01-01 00:00:00+00'),
           sum(r.sum) / sum(r.good), min(r.min), max(r.max), sum(r.good)
    FROM reading_rollup(width, since, until) r
    WHERE r.good > 0
    GROUP BY 1, 2, 3, 4, 5, 6
$$;

CREATE OR REPLACE VIEW v_reading_15min AS
SELECT p.point, p.zone, p.quantity, p.role, p.unit, r.time, r.sum * p.numerator / p.denominator / r.good AS mean,
       r.min * p.numerator / p.denominator AS min, r.max * p.numerator / p.denominator AS max, r.good::bigint AS samples,
       r.received, r.estimated, r.suspect, r.first * p.numerator / p.denominator AS first, r.last * p.numerator / p.denominator AS last,
       p.point_id
FROM v_point p CROSS JOIN LATERAL reading_15min_of(p.point_id, '-infinity', 'infinity') r
WHERE r.good > 0;

CREATE OR REPLACE VIEW v_reading_hour AS
SELECT p.point, p.zone, p.quantity, p.role, p.unit, r.time, r.sum * p.numerator / p.denominator / r.good AS mean,
       r.min * p.numerator / p.denominator AS min, r.max * p.numerator / p.denominator AS max, r.good::bigint AS samples,
       r.received, r.estimated, r.suspect, r.first * p.numerator / p.denominator AS first, r.last * p.numerator / p.denominator AS last,
       p.point_id
FROM v_point p CROSS JOIN LATERAL reading_hour_of(p.point_id, '-infinity', 'infinity') r
WHERE r.good > 0;

CREATE VIEW v_reading_day AS
SELECT p.point, p.zone, p.quantity, p.role, p.unit, r.time, r.sum * p.numerator / p.denominator / r.good AS mean,
       r.min * p.numerator / p.denominator AS min, r.max * p.numerator / p.denominator AS max, r.good::bigint AS samples,
       r.received, r.estimated, r.suspect, r.first * p.numerator / p.denominator AS first, r.last * p.numerator / p.denominator AS last,
       p.point_id
FROM v_point p CROSS JOIN LATERAL reading_day_of(p.point_id, '-infinity', 'infinity') r
WHERE r.good > 0;
COMMENT ON VIEW v_reading_day IS 'Days of UTC. Local days are sums over hours.';
GRANT SELECT ON v_reading_day TO khettara_read, khettara_analytics, khettara_command;

-- What registers counted up to in buckets of a width. A step down is a rollover where the register's modulus is known and the way over
-- the top is the shorter one, and counts as that; else the register was changed or set back: the step counts nothing and shows in
-- resets. A step belongs to the bucket in which it ends.
ALTER TABLE point ADD COLUMN modulus numeric CHECK (modulus > 0);
COMMENT ON COLUMN point.modulus IS 'Of a register: the value, in the canonical unit, at which it starts again from 0. NULL where it is not known.';
CREATE VIEW v_register AS SELECT point_id, modulus::float8 AS modulus FROM point WHERE kind = 'register';

CREATE FUNCTION register_consumption(width interval, since timestamptz, until timestamptz)
RETURNS TABLE (point text, zone text, quantity text, unit text, "time" timestamptz, consumption float8, rollovers bigint, resets bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT s.point, s.zone, s.quantity, s.unit, date_bin(width, s.time, '1970-01-01 00:00:00+00'),
           sum(s.rise + CASE WHEN s.over THEN s.falls * s.modulus - s.fallen ELSE 0 END)
               + coalesce(sum(s.first - s.before) FILTER (WHERE s.first > s.before), 0)
               + coalesce(sum(s.modulus + s.first - s.before) FILTER (WHERE s.step_over), 0),
           coalesce(sum(s.falls) FILTER (WHERE s.over), 0) + count(*) FILTER (WHERE s.step_over),
           coalesce(sum(s.falls) FILTER (WHERE NOT s.over), 0) + count(*) FILTER (WHERE s.first < s.before AND NOT s.step_over)
    FROM (
        SELECT o.*, coalesce(o.falls > 0 AND o.fallen > o.falls * o.modulus / 2 AND o.fallen <= o.falls * o.modulus, false) AS over,
               coalesce(o.before - o.first > o.modulus / 2 AND o.before <= o.modulus, false) AS step_over
        FROM (
            SELECT r.point, r.zone, r.quantity, r.unit, r.time, r.first, r.rise, r.falls, r.fallen, g.modulus,
                   coalesce(lag(r.last) OVER (PARTITION BY r.point_id ORDER BY r.time), p.last) AS before
            FROM v_register g
            JOIN reading_rollup(width, since, until) r USING (point_id)
            LEFT JOIN LATERAL (
                SELECT q.value AS last FROM v_reading q
                WHERE q.point_id = g.point_id AND q.time < since AND q.quality IN (0, 3) AND q.value IS NOT NULL
                ORDER BY q.time DESC LIMIT 1
            ) p ON true
            WHERE r.good > 0
        ) o
    ) s
    GROUP BY 1, 2, 3, 4, 5
$$;
GRANT SELECT ON v_register TO khettara_read, khettara_analytics, khettara_command;

-- Net inflow of each zone in buckets of a step, exactly as zone_flow for steps that no rollup serves. For others: the sum over the
-- inlets of sign x mean over the bucket; a bucket in which an inlet has less than 3/4 of one reading each 5 minutes, or each period where
-- that is longer, is left out. Interval values are stamped at their end and belong to the bucket in which they start, so they are read
-- from the readings. width is the time that a value stands for.
CREATE FUNCTION zone_inflow(step interval, since timestamptz, until timestamptz)
RETURNS TABLE (zone text, "time" timestamptz, net_inflow_m3h float8, width interval)
LANGUAGE sql STABLE AS $$
    SELECT f.zone, date_bin(step, f.time, '1970-01-01 00:00:00+00'), avg(f.net_inflow_m3h), sum(f.width)
    FROM zone_flow(since, until) f
    WHERE rollup_class(step) = 'raw'
    GROUP BY 1, 2
    UNION ALL
    SELECT m.zone, m.bucket, sum(m.sign * m.flow), step
    FROM (
        SELECT i.zone, i.point, i.sign, i.period_s, date_bin(step, v.time, '1970-01-01 00:00:00+00') AS bucket,
               sum(v.sum) / sum(v.good) AS flow, n.inlets
        FROM v_inlet i
        JOIN (SELECT c.zone, count(*) AS inlets FROM v_inlet c GROUP BY c.zone) n USING (zone)
        JOIN v_point p USING (point)
        CROSS JOIN LATERAL (
            SELECT r.time, r.sum * p.numerator / p.denominator AS sum, r.good::bigint AS good
            FROM rollup_rows(p.point_id, step, since, until) r
            WHERE p.kind <> 'interval' AND r.good > 0
            UNION ALL
            SELECT q.time - make_interval(secs => p.period_s), q.value::float8 * p.numerator / p.denominator, 1
            FROM v_count q
            WHERE p.kind = 'interval' AND q.point_id = p.point_id AND q.time >= since AND q.time < until
              AND q.quality IN (0, 3) AND q.value IS NOT NULL
        ) v
        WHERE rollup_class(step) <> 'raw'
        GROUP BY 1, 2, 3, 4, 5, n.inlets
        HAVING sum(v.good) * greatest(i.period_s, 300) >= 0.75 * extract(epoch FROM step)
    ) m
    GROUP BY m.zone, m.bucket, m.inlets
    HAVING count(*) = m.inlets
$$;

-- As before, but only the readings of the nights are read: an eighth of them.
CREATE OR REPLACE FUNCTION zone_night_flow(since timestamptz, until timestamptz)
RETURNS TABLE (zone text, night date, night_flow_m3h float8, at timestamptz, coverage float8)
LANGUAGE sql STABLE AS $$
    WITH boundary AS (
        SELECT i.zone, count(*) AS inlets, make_interval(secs => greatest(300, max(i.period_s))) AS width
        FROM v_inlet i GROUP BY i.zone HAVING max(i.period_s) <= 3600
    ), edge AS (
        SELECT greatest(since, min(o.time)) AS since, least(until, max(n.time) + INTERVAL '1 microsecond') AS until
        FROM v_inlet i
        JOIN v_point p USING (point)
        CROSS JOIN LATERAL (SELECT c.time FROM v_count c WHERE c.point_id = p.point_id ORDER BY c.time LIMIT 1) o
        CROSS JOIN LATERAL (SELECT c.time FROM v_count c WHERE c.point_id = p.point_id ORDER BY c.time DESC LIMIT 1) n
    ), span AS (
        -- An hour more than the night on either side, for clocks that change, and one for interval values, stamped at their end.
        SELECT greatest(e.since, (d::date + TIME '01:00') AT TIME ZONE s.timezone) AS since,
               least(e.until, (d::date + TIME '07:00') AT TIME ZONE s.timezone) AS until
        FROM edge e
        CROSS JOIN v_site s
        CROSS JOIN LATERAL generate_series((e.since AT TIME ZONE s.timezone)::date::timestamp, e.until AT TIME ZONE s.timezone, INTERVAL '1 day') d
        WHERE e.since < e.until
    ), mean AS (
        SELECT i.zone, b.inlets, b.width, i.point, i.sign, avg(r.value::float8 * p.numerator / p.denominator) AS flow,
               date_bin(b.width, r.time - CASE WHEN i.kind = 'interval' THEN make_interval(secs => i.period_s) ELSE INTERVAL '0' END,
                        '1970-01-01 00:00:00+00') AS bucket
        FROM v_inlet i
        JOIN boundary b USING (zone)
        JOIN v_point p USING (point)
        CROSS JOIN span n
        CROSS JOIN LATERAL (
            SELECT c.time, c.value FROM v_count c
            WHERE c.point_id = p.point_id AND c.time >= n.since AND c.time < n.until AND c.quality IN (0, 3) AND c.value IS NOT NULL
            OFFSET 0  -- a look into the index for each night, whatever the planner believes
        ) r
        GROUP BY 1, 2, 3, 4, 5, 7
    ), flow AS (
        SELECT m.zone, m.bucket AS time, sum(m.sign * m.flow) AS net_inflow_m3h, m.width
        FROM mean m GROUP BY m.zone, m.bucket, m.width, m.inlets HAVING count(*) = m.inlets
    ), local AS (
        SELECT f.zone, f.time, f.net_inflow_m3h, f.width, INTERVAL '1 hour' - f.width AS before, s.timezone,
               f.time AT TIME ZONE s.timezone AS starts, (f.time + f.width) AT TIME ZONE s.timezone AS ends
        FROM flow f CROSS JOIN v_site s
    ), night AS (
        SELECT * FROM local WHERE starts::time >= '02:00' AND ends::time <= '05:00' AND ends::time > '02:00'
    ), hour AS (
        SELECT n.zone, n.starts::date AS night, n.time + n.width - INTERVAL '1 hour' AS hour_start, n.width,
               (n.time - n.before) AT TIME ZONE n.timezone AS hour_starts,
               avg(n.net_inflow_m3h) OVER last_hour AS mean, count(*) OVER last_hour AS buckets
        FROM night n
        WINDOW last_hour AS (
            PARTITION BY n.zone, n.starts::date ORDER BY n.time RANGE BETWEEN INTERVAL '55 minutes' PRECEDING AND CURRENT ROW
        )
    ), best AS (
        SELECT h.zone, h.night, h.mean, h.hour_start, h.width, count(*) OVER whole AS buckets,
               h.hour_starts::time >= '02:00' AND h.hour_starts::date = h.night
                   AND h.buckets * h.width >= INTERVAL '45 minutes' AS counts
        FROM hour h WINDOW whole AS (PARTITION BY h.zone, h.night)
    )
    SELECT DISTINCT ON (b.zone, b.night) b.zone, b.night, b.mean, b.hour_start,
           extract(epoch FROM b.buckets * b.width)::float8 / 10800
    FROM best b
    WHERE b.counts
    ORDER BY b.zone, b.night, b.mean, b.hour_start
$$;
