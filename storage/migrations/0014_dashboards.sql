-- What the dashboards ask beyond 0005: where zones lie, minutes below the service pressure out of the rollups, what is usual at an
-- hour, a zone's balance, what pressure control saves, leaks from the finding to the proved repair, notices, meters, and our own health.

SET LOCAL ROLE khettara_migrate;

-- ---------------------------------------------------------------------------------------------------------------------------------
-- Places

ALTER TABLE zone
    ADD COLUMN lat float8 CHECK (lat BETWEEN -90 AND 90),
    ADD COLUMN lon float8 CHECK (lon BETWEEN -180 AND 180),
    ADD CHECK ((lat IS NULL) = (lon IS NULL));
COMMENT ON COLUMN zone.lat IS 'Where the zone''s mark lies on a map, degrees WGS 84. NULL where the inventory does not say.';

CREATE OR REPLACE VIEW v_zone AS
SELECT key AS zone, kind, coalesce(names ->> 'fr', names ->> 'en', key) AS name, names, parent, min_pressure_m, connections, population,
       mains_km, night_use_m3h, lat, lon,
       CASE WHEN night_use_m3h > 0 THEN night_use_m3h ELSE 0.06 * 0.010 * population END AS lawful_night_m3h
FROM zone;
COMMENT ON COLUMN v_zone.lawful_night_m3h IS
    'Legitimate use between 02:00 and 05:00: as given, else 10 L/h for each of the 6 % of people who are active (leak_detection.night_flow).';

-- A zone's name in a language, else in French, else its key.
CREATE FUNCTION zone_name(names jsonb, key text, language text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(names ->> language, names ->> 'fr', key)
$$;

-- The region and the province that a zone lies in, itself included; NULL where the inventory has none above it.
CREATE VIEW v_zone_tree AS
WITH RECURSIVE up (zone, at) AS (
    SELECT key, key FROM zone
    UNION
    SELECT u.zone, z.parent FROM up u JOIN zone z ON z.key = u.at WHERE z.parent IS NOT NULL
)
SELECT u.zone, max(a.key) FILTER (WHERE a.kind = 'region') AS region, max(a.key) FILTER (WHERE a.kind = 'province') AS province
FROM up u JOIN zone a ON a.key = u.at
GROUP BY u.zone;

-- ---------------------------------------------------------------------------------------------------------------------------------
-- Marks. As in 0008, but a mark without an end goes where there is nothing to mark: cut into days, it would never end.

CREATE OR REPLACE FUNCTION tidy_rollup_marks() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
            FROM wide w JOIN edge e ON e.oldest IS NOT NULL CROSS JOIN retention t
        )
        INSERT INTO rollup_dirty
        SELECT greatest(s.starts, d), least(s.ends, d + INTERVAL '24 hours'), s.points
        FROM span s
        CROSS JOIN LATERAL generate_series(rollup_floor('1 day', s.starts), s.ends - INTERVAL '1 microsecond', INTERVAL '24 hours') d
        WHERE s.starts < s.ends;
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------------------------------------------
-- Readings below a limit. An hour of a critical point keeps how many of its good readings lay below the least pressure of its zone, and
-- which limit that was; counted when the hour is written, in the same transaction. So a mark covers the count as it covers the hour, and
-- a late reading is counted at once. TimescaleDB's aggregates cannot hold a limit that lies in another table: there the readings of hours
-- that fell below it are counted one by one, as everywhere for hours under a mark or counted against another limit.
-- Hours whose readings are no longer kept answer with the count against the limit of their time, if it is the same; else with nothing.

DO $do$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE VIEW v_rollup_below AS SELECT point_id, "time", min, NULL::int4 AS below, NULL::float8 AS below_limit FROM reading_hour;
        CREATE FUNCTION rollup_marks_of(id int4, since timestamptz, until timestamptz) RETURNS tstzmultirange
        LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT '{}'::tstzmultirange $$;
    ELSE
        ALTER TABLE rollup_hour ADD COLUMN below int4, ADD COLUMN below_limit float8;
        CREATE VIEW v_rollup_below AS SELECT point_id, "time", min, below, below_limit FROM rollup_hour;
        CREATE FUNCTION rollup_marks_of(id int4, since timestamptz, until timestamptz) RETURNS tstzmultirange
        LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT coalesce(range_agg(tstzrange(d.starts, d.ends)), '{}') FROM v_rollup_dirty d
            WHERE d.points @> id AND d.starts < until AND d.ends > since
        $$;

        CREATE FUNCTION count_readings_below() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
        BEGIN
            SELECT z.min_pressure_m,
                   CASE WHEN NEW.min * p.numerator / p.denominator >= z.min_pressure_m THEN 0 ELSE (
                       SELECT count(*) FROM reading r
                       WHERE r.point_id = NEW.point_id AND r.time >= NEW.time AND r.time < NEW.time + INTERVAL '1 hour'
                         AND r.quality IN (0, 3) AND r.value::float8 * p.numerator / p.denominator < z.min_pressure_m
                   ) END
            INTO NEW.below_limit, NEW.below
            FROM point p JOIN zone z ON z.key = p.zone
            WHERE p.point_id = NEW.point_id AND p.role = 'critical_pressure';
            RETURN NEW;
        END
        $$;
        CREATE TRIGGER rollup_hour_below BEFORE INSERT ON rollup_hour FOR EACH ROW EXECUTE FUNCTION count_readings_below();

        -- Another limit: until the marks are worked off, the readings are counted.
        CREATE FUNCTION mark_critical_points(zones text[]) RETURNS void
        LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
            INSERT INTO rollup_dirty
            SELECT min(n.time), max(x.time) + INTERVAL '1 hour', range_agg(int4range(p.point_id, p.point_id, '[]'))
            FROM point p
            CROSS JOIN LATERAL (SELECT h.time FROM rollup_hour h WHERE h.point_id = p.point_id ORDER BY h.time LIMIT 1) n
            CROSS JOIN LATERAL (SELECT h.time FROM rollup_hour h WHERE h.point_id = p.point_id ORDER BY h.time DESC LIMIT 1) x
            WHERE p.role = 'critical_pressure' AND (zones IS NULL OR p.zone = ANY (zones))
            HAVING count(*) > 0
        $$;
        REVOKE ALL ON FUNCTION mark_critical_points(text[]) FROM PUBLIC;
        CREATE FUNCTION least_pressure_changed() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        BEGIN
            PERFORM mark_critical_points(ARRAY[NEW.key]);
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER zone_least_pressure AFTER UPDATE OF min_pressure_m ON zone
            FOR EACH ROW WHEN (OLD.min_pressure_m IS DISTINCT FROM NEW.min_pressure_m) EXECUTE FUNCTION least_pressure_changed();
        PERFORM mark_critical_points(NULL);
    END IF;
END
$do$;

-- Good readings of a point with since <= time < until below a limit, in the canonical unit: exact, whatever is written yet.
CREATE FUNCTION readings_below(id int4, least_value float8, since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH point AS (
        SELECT p.numerator / p.denominator AS step, p.numerator, p.denominator FROM v_point p WHERE p.point_id = id
    ), known AS (  -- whole hours that need no reading
        SELECT h.time, CASE WHEN h.below_limit = least_value THEN h.below ELSE 0 END AS below
        FROM point p
        CROSS JOIN rollup_marks_of(id, since, until) AS marked
        CROSS JOIN LATERAL (
            SELECT b.time, b.min * p.numerator / p.denominator AS lowest, b.below, b.below_limit FROM v_rollup_below b
            WHERE b.point_id = id AND b.time >= rollup_ceil('1 hour', since) AND b.time < rollup_floor('1 hour', until)
        ) h
        WHERE (h.below_limit = least_value OR h.lowest >= least_value) AND NOT marked @> h.time
    ), rest AS (
        SELECT tstzmultirange(tstzrange(since, greatest(since, until)))
               - coalesce((SELECT range_agg(tstzrange(k.time, k.time + INTERVAL '1 hour')) FROM known k), '{}') AS spans
    )
    SELECT coalesce((SELECT sum(k.below) FROM known k), 0)::bigint + coalesce((
        SELECT sum(n.below)
        FROM rest, point p, unnest(rest.spans) AS s
        CROSS JOIN LATERAL (
            SELECT count(*) AS below FROM v_count c
            WHERE c.point_id = id AND c.time >= lower(s) AND c.time < upper(s) AND c.quality IN (0, 3)
              AND c.value::float8 * p.numerator / p.denominator < least_value
        ) n), 0)::bigint
$$;

-- The service at each critical point of the zones: lowest and mean pressure, and for how long it was below the least.
CREATE FUNCTION pressure_service(zones text[], since timestamptz, until timestamptz)
RETURNS TABLE (point text, zone text, min_pressure_m float8, lowest_m float8, mean_m float8, minutes_below float8, customer_minutes float8)
LANGUAGE sql STABLE AS $$
    SELECT p.point, p.zone, z.min_pressure_m, m.lowest, m.mean, n.below * p.period_s / 60.0,
           n.below * p.period_s / 60.0 * z.connections / count(*) OVER (PARTITION BY p.zone)
    FROM v_point p
    JOIN v_zone z USING (zone)
    LEFT JOIN LATERAL (
        SELECT min(r.min) * p.numerator / p.denominator AS lowest,
               sum(r.sum) * p.numerator / p.denominator / nullif(sum(r.good), 0) AS mean
        FROM reading_day_rows(p.point_id, since, until) r WHERE r.good > 0
    ) m ON true
    CROSS JOIN LATERAL (SELECT readings_below(p.point_id, z.min_pressure_m, since, until) AS below) n
    WHERE p.role = 'critical_pressure' AND p.zone = ANY (zones)
$$;
COMMENT ON FUNCTION pressure_service IS 'customer_minutes: each critical point stands for an equal share of its zone''s connections.';

-- ---------------------------------------------------------------------------------------------------------------------------------
-- A zone's water

-- What enters each of the zones in buckets of a step, and what is usual then: 5 %, 50 % and 95 % of the same time of day on the same
-- kind of day (Saturday and Sunday, or another) in the 28 days before, from 4 such values on. A bucket still to come has a band and no
-- inflow. A leak older than 28 days is in the band itself; Ramadan is not told apart.
CREATE FUNCTION zone_band(zones text[], step interval, since timestamptz, until timestamptz)
RETURNS TABLE (zone text, "time" timestamptz, net_inflow_m3h float8, low_m3h float8, usual_m3h float8, high_m3h float8, days bigint)
LANGUAGE sql STABLE AS $$
    WITH flow AS MATERIALIZED (
        SELECT f.zone, f.time, f.net_inflow_m3h, l.local::time AS clock, extract(isodow FROM l.local) >= 6 AS weekend
        FROM zone_inflow(step, date_bin(step, since, '1970-01-01 00:00:00+00') - INTERVAL '28 days', until) f
        CROSS JOIN v_site s
        -- Buckets of several hours are not moved by a change of the clock.
        CROSS JOIN LATERAL (SELECT f.time AT TIME ZONE CASE WHEN step <= INTERVAL '1 hour' THEN s.timezone ELSE 'UTC' END AS local) l
        WHERE f.zone = ANY (zones)
    ), bucket AS (
        SELECT z.zone, t.time, l.local::time AS clock, extract(isodow FROM l.local) >= 6 AS weekend
        FROM unnest(zones) AS z (zone)
        CROSS JOIN generate_series(date_bin(step, since, '1970-01-01 00:00:00+00'), until - INTERVAL '1 microsecond', step) AS t (time)
        CROSS JOIN v_site s
        CROSS JOIN LATERAL (SELECT t.time AT TIME ZONE CASE WHEN step <= INTERVAL '1 hour' THEN s.timezone ELSE 'UTC' END AS local) l
    ), usual AS (
        SELECT b.zone, b.time, percentile_cont(ARRAY[0.05, 0.5, 0.95]) WITHIN GROUP (ORDER BY f.net_inflow_m3h) AS shares, count(*) AS days
        FROM bucket b
        JOIN flow f ON (f.zone, f.clock, f.weekend) = (b.zone, b.clock, b.weekend)
                   AND f.time < b.time AND f.time >= b.time - INTERVAL '28 days'
        GROUP BY b.zone, b.time
        HAVING count(*) >= 4
    )
    SELECT b.zone, b.time, f.net_inflow_m3h, u.shares[1], u.shares[2], u.shares[3], coalesce(u.days, 0)
    FROM bucket b
    LEFT JOIN flow f ON (f.zone, f.time) = (b.zone, b.time)
    LEFT JOIN usual u ON (u.zone, u.time) = (b.zone, b.time)
$$;

-- The newest night of each of the zones that began at most three days before a moment, and what flowed beyond the legitimate use.
CREATE FUNCTION zone_last_night(zones text[], until timestamptz)
RETURNS TABLE (zone text, night date, night_flow_m3h float8, coverage float8, excess_m3h float8, excess_l_h float8)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (z.zone) z.zone, n.night, n.night_flow_m3h, n.coverage, n.night_flow_m3h - z.lawful_night_m3h,
           1000 * (n.night_flow_m3h - z.lawful_night_m3h) / nullif(z.connections, 0)
    FROM zone_night_flow(until - INTERVAL '3 days', until) n JOIN v_zone z USING (zone)
    WHERE n.zone = ANY (zones)
    ORDER BY z.zone, n.night DESC
$$;
COMMENT ON FUNCTION zone_last_night IS 'excess_l_h is litres an hour for each connection.';

-- The balance of each of the zones over a span, after leak_detection.zone_month: input less what customers' meters say, with 95 % bands.
-- Thinner than that module: a meter's missing hours are filled with its own mean over the span, not with the other meters' of that hour.
CREATE FUNCTION zone_balance(zones text[], since timestamptz, until timestamptz)
RETURNS TABLE (zone text, days float8, known_share float8, input_m3 float8, input_error_m3 float8, meters bigint, coverage float8,
               billed_m3 float8, billed_error_m3 float8, nrw_m3 float8, nrw_error_m3 float8)
LANGUAGE sql STABLE AS $$
    WITH span AS (
        SELECT extract(epoch FROM until - since)::float8 / 3600 AS hours,
               CASE WHEN until - since > INTERVAL '2 days' THEN INTERVAL '1 hour' ELSE INTERVAL '15 minutes' END AS step
    ), inlet AS (
        SELECT i.zone, i.sign, sum(r.sum) * p.numerator / p.denominator / sum(r.good) * s.hours AS volume_m3,
               count(DISTINCT r.time) * extract(epoch FROM s.step)::float8 / 3600 / s.hours AS known
        FROM v_inlet i
        JOIN v_point p USING (point)
        CROSS JOIN span s
        CROSS JOIN LATERAL rollup_rows(p.point_id, s.step, since, until) r
        WHERE i.zone = ANY (zones) AND r.good > 0
        GROUP BY i.zone, i.point, i.sign, p.numerator, p.denominator, s.hours, s.step
    ), input AS (
        SELECT i.zone, least(min(i.known), 1) AS known_share, sum(i.sign * i.volume_m3) AS m3, sqrt(sum((0.02 * i.volume_m3) ^ 2)) AS error_m3
        FROM inlet i
        GROUP BY i.zone
        HAVING count(*) = (SELECT count(*) FROM v_inlet n WHERE n.zone = i.zone) AND min(i.known) >= 0.5
    ), meter AS (
        SELECT p.zone, f.flow_m3h
        FROM v_point p
        LEFT JOIN LATERAL (
            SELECT sum(r.sum) * p.numerator / p.denominator / nullif(sum(r.good), 0)
                       * CASE p.kind WHEN 'interval' THEN 3600.0 / p.period_s ELSE 1 END AS flow_m3h
            FROM reading_day_rows(p.point_id, since, until) r WHERE r.good > 0
        ) f ON true
        WHERE p.role = 'customer' AND p.zone = ANY (zones)
          AND ((p.quantity = 'flow' AND p.kind = 'instant') OR (p.quantity = 'volume' AND p.kind = 'interval'))
    ), metered AS (
        SELECT m.zone, count(*) AS meters, count(m.flow_m3h) AS reported, avg(m.flow_m3h) * count(*) * max(s.hours) AS m3
        FROM meter m CROSS JOIN span s GROUP BY m.zone
    ), used AS (
        SELECT m.zone, m.meters, m.meters::float8 / nullif(z.connections, 0) AS coverage, m.m3,
               m.m3 * greatest(0, z.connections::float8 / m.meters - 1) AS rest_m3
        FROM metered m JOIN v_zone z USING (zone)
    )
    SELECT z.zone, s.hours / 24, n.known_share, n.m3, n.error_m3, coalesce(u.meters, 0),
           CASE WHEN z.connections > 0 THEN coalesce(u.coverage, 0) END, b.m3, b.error_m3, n.m3 - b.m3, sqrt(n.error_m3 ^ 2 + b.error_m3 ^ 2)
    FROM v_zone z
    CROSS JOIN span s
    LEFT JOIN input n USING (zone)
    LEFT JOIN used u USING (zone)
    LEFT JOIN LATERAL (
        SELECT u.m3 + u.rest_m3 AS m3, sqrt((0.02 * u.m3) ^ 2 + (0.2 * u.rest_m3) ^ 2) AS error_m3 WHERE u.coverage >= 0.3
    ) b ON true
    WHERE z.zone = ANY (zones)
$$;
COMMENT ON FUNCTION zone_balance IS 'Inlet and customers'' meters good to 2 %, customers without a meter taken like the others to 20 %; nothing billed is said below 30 % of metered connections.';

-- What the valves of the zones save against standing at their fall-back value: leakage is taken proportional to pressure (N1 = 1), so that
--   saved = excess of the night flow / pressure of those nights x (fall-back value - outlet pressure), summed over the span.
-- Negative where a valve stood above its fall-back value. Nights and pressures are those of the span and of the three days before it.
CREATE FUNCTION pressure_saving(zones text[], since timestamptz, until timestamptz)
RETURNS TABLE (actuator text, zone text, safe_m float8, outlet_m float8, night_excess_m3h float8, night_pressure_m float8, saved_m3 float8)
LANGUAGE sql STABLE AS $$
    WITH night AS (
        SELECT n.zone, percentile_cont(0.5) WITHIN GROUP (ORDER BY n.night_flow_m3h) AS flow_m3h
        FROM zone_night_flow(since - INTERVAL '3 days', until) n WHERE n.zone = ANY (zones) GROUP BY n.zone
    ), pressure AS (
        SELECT r.zone, sum(r.sum) / sum(r.good) AS mean_m
        FROM reading_rollup('1 hour', since - INTERVAL '3 days', until) r CROSS JOIN v_site s
        WHERE r.role = 'critical_pressure' AND r.zone = ANY (zones) AND r.good > 0
          AND extract(hour FROM r.time AT TIME ZONE s.timezone) BETWEEN 2 AND 4
        GROUP BY r.zone
    )
    SELECT a.actuator, a.zone, a.safe_m, o.mean_m, n.flow_m3h - z.lawful_night_m3h, p.mean_m,
           greatest(0, n.flow_m3h - z.lawful_night_m3h) / nullif(p.mean_m, 0) * (a.safe_m - o.mean_m) * o.hours
               / count(*) OVER (PARTITION BY a.zone)
    FROM v_actuator a
    JOIN v_zone z ON z.zone = a.zone
    JOIN v_point q ON q.point = a.outlet_point
    LEFT JOIN night n ON n.zone = a.zone
    LEFT JOIN pressure p ON p.zone = a.zone
    LEFT JOIN LATERAL (
        SELECT sum(r.sum) * q.numerator / q.denominator / nullif(sum(r.good), 0) AS mean_m, sum(r.good) * q.period_s / 3600.0 AS hours
        FROM reading_day_rows(q.point_id, since, until) r WHERE r.good > 0
    ) o ON true
    WHERE a.zone = ANY (zones)
$$;
COMMENT ON FUNCTION pressure_saving IS 'An estimate. Valves that feed one zone together share it equally.';

-- ---------------------------------------------------------------------------------------------------------------------------------
-- What people and the desk did

CREATE VIEW v_proposal AS
SELECT p.proposal_id, p.actuator, a.zone, p.value_m, p.source, p.author, p.created_at, p.reason,
       jsonb_array_length(p.refusals) > 0 AS refused, p.refusals,
       (p.effect ->> 'leakage_change_m3h')::float8 AS leakage_change_m3h, (p.effect ->> 'customers_below')::int AS customers_below
FROM proposal p LEFT JOIN actuator a ON a.key = p.actuator;

CREATE VIEW v_notice AS
SELECT key AS notice, kind, recipient, priority, alert, raised_at, due_at, state, attempts, sent_at, acked_at, error IS NOT NULL AS has_error
FROM notice;
COMMENT ON VIEW v_notice IS 'Without the text of errors: it may name addresses and keys of a service.';

-- A leak from its onset to the proof of its repair. A finding that closed without an order has no known end.
CREATE VIEW v_leak_case AS
SELECT f.key AS finding, f.kind, f.zone, f.detector, f.since, f.found_at, f.flow_m3h, f.flow_error_m3h, f.confidence, f.open, f.cause,
       f.money_a_day, f.co2_kg_a_day, a.key AS alert, w.key AS work_order, w.state AS work_state, w.created_at AS ordered_at, s.on_site_at,
       w.repaired_at, CASE WHEN w.state = 'verified' THEN w.updated_at END AS verified_at, w.reopened,
       CASE WHEN w.state IN ('repaired', 'verified') THEN w.repaired_at END AS ended_at
FROM finding f
LEFT JOIN LATERAL (SELECT b.key FROM alert b WHERE b.finding = f.key ORDER BY b.raised_at DESC LIMIT 1) a ON true
LEFT JOIN LATERAL (
    SELECT o.* FROM work_order o JOIN alert c ON c.key = o.alert WHERE c.finding = f.key ORDER BY o.created_at DESC LIMIT 1
) w ON true
LEFT JOIN LATERAL (SELECT min(r.said_at) AS on_site_at FROM crew_report r WHERE r.work_order = w.key AND r.kind = 'on_site') s ON true
WHERE f.kind <> 'meter_fault';
COMMENT ON COLUMN v_leak_case.ended_at IS 'When the crew said it was repaired; NULL while it runs, and again when the repair did not hold.';

-- ---------------------------------------------------------------------------------------------------------------------------------
-- Devices and our own health

CREATE VIEW v_channel AS
SELECT c.edge, coalesce(g.name, c.edge) AS gateway, c.device, d.model, d.period_s, c.metric, p.key AS point, p.zone, p.quantity, p.role, c.point_id,
       c.valid_from, c.valid_to
FROM channel c
JOIN device d ON (d.edge, d.key) = (c.edge, c.device)
JOIN point p USING (point_id)
LEFT JOIN gateway g ON g.edge = c.edge;

CREATE VIEW v_retention AS SELECT raw_days, quarter_hour_days, hour_days, day_days, raw_from FROM retention;

CREATE VIEW v_rollup_mark AS SELECT starts, ends FROM rollup_dirty;
COMMENT ON VIEW v_rollup_mark IS 'Spans that wait for a refresh of the rollups. Empty on TimescaleDB, which keeps its own.';

-- Tables with their partitions or chunks, indexes included.
CREATE VIEW v_table_size AS
SELECT c.relname::text AS name, count(i.inhrelid) AS parts,
       (pg_total_relation_size(c.oid) + coalesce(sum(pg_total_relation_size(i.inhrelid)), 0))::int8 AS bytes,
       sum(greatest(coalesce(k.reltuples, c.reltuples), 0))::int8 AS rows_believed
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits i ON i.inhparent = c.oid
LEFT JOIN pg_class k ON k.oid = i.inhrelid
WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_inherits own WHERE own.inhrelid = c.oid)
  AND (n.nspname = 'public' OR n.nspname = '_timescaledb_internal' AND c.relname LIKE '\_%hypertable\_%')
GROUP BY c.oid, c.relname, c.reltuples;
COMMENT ON COLUMN v_table_size.rows_believed IS 'What the planner believes; 0 before the first ANALYZE.';

GRANT SELECT ON v_zone_tree, v_rollup_below, v_proposal, v_notice, v_leak_case, v_channel, v_retention, v_rollup_mark, v_table_size
    TO khettara_read, khettara_analytics, khettara_command;
