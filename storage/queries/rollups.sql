-- name: mark
-- What is about to be written.
SELECT mark_readings(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(points)s::text[]);

-- name: refresh
-- One bounded step.
SELECT written, waiting FROM refresh_rollups(%(at)s, %(most)s);

-- name: lag
-- Marks, start of the oldest that is no older than the readings, and whole hours from there to the newest reading.
SELECT count(*), min(d.starts),
       greatest(coalesce(rollup_floor('1 hour', max(n.newest)) - min(d.starts) FILTER (WHERE d.starts < rollup_floor('1 hour', n.newest)), '0'), '0')
FROM v_rollup_dirty d
CROSS JOIN (
    SELECT max(l.time) AS newest
    FROM point p CROSS JOIN LATERAL (SELECT r.time FROM reading r WHERE r.point_id = p.point_id ORDER BY r.time DESC LIMIT 1) l
) n;
