-- What readers see: Grafana, the pages, reports. Values in the canonical unit; the read-only role sees nothing but these.
-- The functions take the time span as arguments and are the quick road; the views of the same name are the same over all time.
-- The rollups are thin: computed from the readings at each query, on TimescaleDB as on plain PostgreSQL.

SET LOCAL ROLE khettara_migrate;

CREATE VIEW v_site AS SELECT key, names, timezone FROM site;

CREATE VIEW v_zone AS
SELECT key AS zone, kind, coalesce(names ->> 'fr', names ->> 'en', key) AS name, names, parent, min_pressure_m, connections, population,
       mains_km, night_use_m3h
FROM zone;

CREATE VIEW v_point AS
SELECT key AS point, quantity, kind, role, unit, zone, resolution, low, high, period_s, node, x, y, point_id FROM point;

CREATE VIEW v_inlet AS
SELECT i.zone, p.key AS point, i.sign, p.kind, p.period_s FROM zone_inlet i JOIN point p USING (point_id);

CREATE VIEW v_reading AS
SELECT p.key AS point, p.zone, p.quantity, p.role, p.unit, r.time,
       r.value::float8 * p.numerator / p.denominator AS value, r.quality, r.point_id
FROM reading r JOIN point p USING (point_id);
COMMENT ON COLUMN v_reading.quality IS '0 good, 1 suspect, 2 bad, 3 estimated, 4 clock not trusted';

-- Good values (quality good or estimated) of since <= time < until in buckets of a width, counted from 1970-01-01 UTC, by bucket start.
CREATE FUNCTION reading_bucket(width interval, since timestamptz, until timestamptz)
RETURNS TABLE (point text, zone text, quantity text, role text, unit text, "time" timestamptz,
               mean float8, min float8, max float8, samples bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT r.point, r.zone, r.quantity, r.role, r.unit, date_bin(width, r.time, '1970-01-01 00:00:00+00'),
           avg(r.value), min(r.value), max(r.value), count(*)
    FROM v_reading r
    WHERE r.time >= since AND r.time < until AND r.quality IN (0, 3) AND r.value IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
$$;

CREATE VIEW v_reading_15min AS SELECT * FROM reading_bucket('15 minutes', '-infinity', 'infinity');
CREATE VIEW v_reading_hour AS SELECT * FROM reading_bucket('1 hour', '-infinity', 'infinity');

-- Net inflow of each zone: the sum over its inlets of sign x mean, in buckets of 5 minutes, or of the slowest inlet's period where that
-- is longer. A bucket in which any inlet has no good value is left out: part of a sum is no flow.
-- An interval value is stamped at its end; here it belongs to the bucket in which it starts.
CREATE FUNCTION zone_flow(since timestamptz, until timestamptz)
RETURNS TABLE (zone text, "time" timestamptz, net_inflow_m3h float8, width interval)
LANGUAGE sql STABLE AS $$
    WITH boundary AS (
        SELECT i.zone, count(*) AS inlets, make_interval(secs => greatest(300, max(i.period_s))) AS width
        FROM v_inlet i GROUP BY i.zone
    ), mean AS (
        SELECT i.zone, b.inlets, b.width, i.point, i.sign, avg(r.value) AS flow,
               date_bin(b.width, r.time - CASE WHEN i.kind = 'interval' THEN make_interval(secs => i.period_s) ELSE INTERVAL '0' END,
                        '1970-01-01 00:00:00+00') AS bucket
        FROM v_inlet i
        JOIN boundary b USING (zone)
        JOIN v_reading r ON r.point = i.point
        WHERE r.time >= since AND r.time < until AND r.quality IN (0, 3) AND r.value IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 7
    )
    SELECT m.zone, m.bucket, sum(m.sign * m.flow), m.width
    FROM mean m
    GROUP BY m.zone, m.bucket, m.width, m.inlets
    HAVING count(*) = m.inlets
$$;

CREATE VIEW v_zone_flow AS SELECT * FROM zone_flow('-infinity', 'infinity');

-- Minimum night flow: the least moving mean over one hour of the net inflow, among the hours that lie between 02:00 and 05:00 local.
-- An hour counts when at least 3/4 of its buckets are there; coverage is the share of the night's buckets that are.
CREATE FUNCTION zone_night_flow(since timestamptz, until timestamptz)
RETURNS TABLE (zone text, night date, night_flow_m3h float8, at timestamptz, coverage float8)
LANGUAGE sql STABLE AS $$
    WITH local AS (
        SELECT f.zone, f.time, f.net_inflow_m3h, f.width, INTERVAL '1 hour' - f.width AS before, s.timezone,
               f.time AT TIME ZONE s.timezone AS starts, (f.time + f.width) AT TIME ZONE s.timezone AS ends
        FROM zone_flow(since, until) f CROSS JOIN v_site s
        WHERE f.width <= INTERVAL '1 hour'
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

CREATE VIEW v_zone_night_flow AS SELECT * FROM zone_night_flow('-infinity', 'infinity');

CREATE VIEW v_gateway AS
WITH seen AS (
    SELECT edge FROM gateway UNION SELECT edge FROM gateway_state UNION SELECT edge FROM ledger
), delivered AS (
    SELECT l.edge, sum(l.stored)::int8 AS stored, sum(l.repeated)::int8 AS repeated, sum(l.dead)::int8 AS dead, max(l.newest) AS newest,
           max(l.updated_at) AS updated_at, sum(n.numbers)::int8 AS committed,
           sum(coalesce(upper(l.committed) - 1, 0) - n.numbers)::int8 AS missing
    FROM ledger l
    CROSS JOIN LATERAL (SELECT coalesce(sum(upper(r) - lower(r)), 0) AS numbers FROM unnest(l.committed) r) n
    GROUP BY l.edge
), lost AS (
    SELECT d.edge, count(*) AS letters FROM dead_letter d WHERE d.epoch IS NULL GROUP BY d.edge
)
SELECT s.edge, coalesce(g.name, s.edge) AS name, coalesce(t.online, false) AS online, t.since, d.newest AS last_block_at,
       coalesce(d.stored, 0) AS rows_stored, coalesce(d.repeated, 0) AS rows_repeated,
       coalesce(d.dead, 0) + coalesce(x.letters, 0) AS dead_letters,
       coalesce(d.committed, 0) AS committed, coalesce(d.missing, 0) AS missing, d.updated_at AS written_at
FROM seen s
LEFT JOIN gateway g USING (edge)
LEFT JOIN gateway_state t USING (edge)
LEFT JOIN delivered d USING (edge)
LEFT JOIN lost x USING (edge);
COMMENT ON COLUMN v_gateway.last_block_at IS 'Newest observation that arrived, in the time of the water.';
COMMENT ON COLUMN v_gateway.written_at IS 'Last commit, by the database server''s clock.';
COMMENT ON COLUMN v_gateway.missing IS 'Numbers below the highest committed one that are not committed.';

CREATE VIEW v_dead_letter AS
SELECT at, edge, reason, detail, topic, payload_size, epoch, first, last FROM dead_letter;

CREATE VIEW v_finding AS
SELECT key AS finding, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence FROM finding;

CREATE VIEW v_alert AS
SELECT a.key AS alert, a.code, a.zone, a.priority, a.state, a.raised_at, a.updated_at, a.parameters, a.finding, a.acknowledged_by,
       a.shelved_until, a.shelved_reason, a.state <> 'normal' AS open, f.flow_m3h
FROM alert a LEFT JOIN finding f ON f.key = a.finding;

CREATE VIEW v_command AS
SELECT c.command_id, c.actuator, a.zone, c.gateway, c.device, c.field, c.value_m, c.previous_m, c.source, c.author, c.issued_at,
       c.expires_at, c.state, c.detail, c.readback_m, c.finished_at, extract(epoch FROM c.finished_at - c.issued_at)::float8 AS answer_s
FROM command c LEFT JOIN actuator a ON a.key = c.actuator;

CREATE VIEW v_actuator AS
SELECT a.key AS actuator, a.zone, a.edge, a.device, a.field, a.min_m, a.max_m, a.safe_m, a.lease_s, m.mode, m.until AS mode_until,
       m.owner, s.key AS setpoint_point, o.key AS outlet_point, i.key AS inlet_point, f.key AS flow_point
FROM actuator a
JOIN point s ON s.point_id = a.setpoint
JOIN point o ON o.point_id = a.outlet_pressure
JOIN point f ON f.point_id = a.flow
LEFT JOIN point i ON i.point_id = a.inlet_pressure
LEFT JOIN actuator_mode m ON m.actuator = a.key;

CREATE VIEW v_setpoint AS
SELECT a.key AS actuator, a.zone, r.time, r.value AS setpoint_m, r.quality, a.min_m, a.max_m, a.safe_m
FROM actuator a JOIN v_reading r ON r.point_id = a.setpoint;

CREATE VIEW v_audit AS SELECT sequence, at, actor, action, subject, body FROM audit;

GRANT SELECT ON v_site, v_zone, v_point, v_inlet, v_reading, v_reading_15min, v_reading_hour, v_zone_flow, v_zone_night_flow, v_gateway,
    v_dead_letter, v_finding, v_alert, v_command, v_actuator, v_setpoint, v_audit
    TO khettara_read, khettara_analytics, khettara_command;
