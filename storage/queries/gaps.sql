-- name: save_gaps
-- Numbers that a gateway had to drop, without those that are committed otherwise.
INSERT INTO gap_record (edge, epoch, first, last, reason, at, from_time, to_time, points)
SELECT edge, epoch, first, last, reason, coalesce(at, now()), from_time, to_time, points::jsonb
FROM unnest(%(edges)s::text[], %(epochs)s::int8[], %(firsts)s::int8[], %(lasts)s::int8[], %(reasons)s::text[],
            %(at)s::timestamptz[], %(from_times)s::timestamptz[], %(to_times)s::timestamptz[], %(points)s::text[])
    AS t (edge, epoch, first, last, reason, at, from_time, to_time, points)
ON CONFLICT (edge, epoch, first) DO UPDATE
    SET last = excluded.last, reason = excluded.reason, at = excluded.at, from_time = excluded.from_time, to_time = excluded.to_time,
        points = excluded.points, received_at = excluded.received_at;

-- name: new_spools
-- A gateway that speaks in a new epoch has a new spool: what the old one still held is gone, and nobody knows how much it was.
INSERT INTO gap_record (edge, epoch, first, last, reason, at, from_time)
SELECT DISTINCT ON (l.edge) l.edge, l.epoch, coalesce(upper(l.committed), 1), NULL, 'new_spool', now(), l.newest
FROM ledger l
JOIN unnest(%(edges)s::text[], %(epochs)s::int8[]) AS n (edge, epoch) ON l.edge = n.edge
WHERE (l.edge, l.epoch) NOT IN (SELECT * FROM unnest(%(edges)s::text[], %(epochs)s::int8[]))
ORDER BY l.edge, l.updated_at DESC
ON CONFLICT (edge, epoch, first) DO NOTHING;

-- name: save_clock_notes
-- What devices said of the time of readings that are stored by their age.
INSERT INTO clock_note (point_id, time, device_ms, edge)
SELECT * FROM unnest(%(points)s::int4[], %(times)s::timestamptz[], %(device_ms)s::int8[], %(edges)s::text[])
ON CONFLICT DO NOTHING;

-- name: delivery_now
-- Each gateway that has ever lost readings or told a wrong time: how much, and whether within the last day (hour), by the server's clock.
WITH lost AS (
    SELECT edge, sum(last - first + 1)::int8 AS readings, string_agg(DISTINCT reason, ', ' ORDER BY reason) AS reasons,
           max(received_at) AS newest
    FROM gap_record
    WHERE received_at >= now() - INTERVAL '1 day'
    GROUP BY edge
), ahead AS (
    SELECT edge, max(device_ms - (extract(epoch FROM time) * 1000)::int8) / 1000.0 AS ahead_s
    FROM clock_note WHERE received_at >= now() - INTERVAL '1 hour' GROUP BY edge
)
SELECT e.edge, coalesce(l.readings, 0), l.reasons, l.edge IS NOT NULL, a.edge IS NOT NULL, coalesce(a.ahead_s, 0)::float8
FROM (SELECT edge FROM gap_record UNION SELECT edge FROM clock_note) e
LEFT JOIN lost l USING (edge)
LEFT JOIN ahead a USING (edge)
ORDER BY e.edge;
