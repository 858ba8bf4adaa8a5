-- name: zones_now
-- Each zone with inlets as it is at its newest readings. "Fresh" is within 15 minutes (or three periods) of the newest inlet reading.
WITH newest AS (
    SELECT p.point_id, p.period_s, r.time, r.value::float8 * p.numerator / p.denominator AS value, r.quality
    FROM point p
    CROSS JOIN LATERAL (SELECT time, value, quality FROM reading WHERE reading.point_id = p.point_id ORDER BY time DESC LIMIT 1) r
    WHERE p.point_id IN (SELECT point_id FROM zone_inlet UNION SELECT point_id FROM zone_critical)
), inflow AS (
    SELECT i.zone, CASE WHEN count(n.value) = count(*) THEN sum(i.sign * n.value) END AS inflow,
           min(n.time) AS oldest, max(n.time) AS newest,
           make_interval(secs => greatest(900, 3 * max(n.period_s))) AS fresh,
           coalesce(bool_or(n.quality NOT IN (0, 3) OR n.value IS NULL), true) OR count(n.time) < count(*) AS suspect
    FROM zone_inlet i LEFT JOIN newest n USING (point_id)
    GROUP BY i.zone
), critical AS (
    SELECT DISTINCT ON (c.zone) c.zone, n.value, n.time, n.quality NOT IN (0, 3) AS suspect
    FROM zone_critical c
    JOIN newest n USING (point_id)
    JOIN inflow i USING (zone)
    WHERE n.value IS NOT NULL AND n.time >= i.newest - i.fresh
    ORDER BY c.zone, n.value
), nights AS (
    SELECT DISTINCT ON (f.zone) f.zone, f.night, f.night_flow_m3h
    FROM (SELECT max(newest) AS newest FROM inflow) w
    CROSS JOIN LATERAL zone_night_flow(w.newest - INTERVAL '3 days', w.newest + INTERVAL '1 second') f
    CROSS JOIN v_site s
    WHERE f.coverage >= 0.5 AND (f.night + TIME '05:00') AT TIME ZONE s.timezone <= w.newest
    ORDER BY f.zone, f.night DESC
)
SELECT i.zone, i.inflow, i.oldest, n.night_flow_m3h, n.night, c.value, c.time,
       i.suspect OR coalesce(c.suspect, false) OR coalesce(i.oldest < i.newest - i.fresh, true)
FROM inflow i
LEFT JOIN nights n USING (zone)
LEFT JOIN critical c USING (zone)
ORDER BY i.zone;

-- name: gateways_now
-- Each gateway ever seen.
SELECT edge, online, since, last_block_at, rows_stored, dead_letters, missing FROM v_gateway ORDER BY edge;

-- name: meter_hours
-- Customers' meters by zone and hour: the sum of the hourly means of those that reported. A momentary flow counts in its hour, an
-- interval's volume in the hour in which it began.
WITH meter AS (
    SELECT point_id, zone, kind, period_s, numerator, denominator, count(*) OVER (PARTITION BY zone) AS meters
    FROM point
    WHERE role = 'customer' AND zone IS NOT NULL
      AND ((quantity = 'flow' AND kind = 'instant') OR (quantity = 'volume' AND kind = 'interval'))
), hourly AS (
    SELECT m.zone, m.meters, m.point_id,
           date_trunc('hour', CASE m.kind WHEN 'interval' THEN r.time - make_interval(secs => m.period_s) ELSE r.time END, 'UTC') AS hour,
           avg(r.value::float8 * m.numerator / m.denominator * CASE m.kind WHEN 'interval' THEN 3600.0 / m.period_s ELSE 1 END) AS flow
    FROM meter m JOIN reading r USING (point_id)
    WHERE r.time >= %(start)s AND r.time < %(end)s::timestamptz + INTERVAL '1 hour' AND r.quality IN (0, 3) AND r.value IS NOT NULL
    GROUP BY 1, 2, 3, 4
)
SELECT zone, hour, sum(flow), count(*), max(meters)
FROM hourly WHERE hour >= %(start)s AND hour < %(end)s
GROUP BY zone, hour ORDER BY zone, hour;
