-- Newest good value of each critical point, not older than six hours, over the zone's minimum service pressure.
SELECT min(newest.value - z.min_pressure_m) AS "Marge"
FROM (
    SELECT DISTINCT ON (r.point_id) r.zone, r.value
    FROM v_point p
    JOIN v_reading r USING (point_id)
    WHERE p.role = 'critical_pressure' AND p.zone IN ($zone) AND r.quality IN (0, 3)
      AND r.time > $__timeTo()::timestamptz - INTERVAL '6 hours' AND r.time <= $__timeTo()
    ORDER BY r.point_id, r.time DESC
) newest
JOIN v_zone z USING (zone)
