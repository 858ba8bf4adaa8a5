-- Minutes: only hours whose lowest value is below the minimum are looked at reading by reading.
SELECT z.name AS "Secteur", p.point AS "Point critique", z.min_pressure_m AS "Minimum de service", m.lowest AS "Plus basse", m.mean AS "Moyenne",
       coalesce(b.below, 0) * p.period_s / 60.0 AS "Minutes sous le minimum"
FROM v_point p
JOIN v_zone z USING (zone)
LEFT JOIN (
    SELECT r.point_id, min(r.min) AS lowest, sum(r.sum) / sum(r.good) AS mean
    FROM reading_rollup('1 day', $__timeFrom(), $__timeTo()) r
    WHERE r.role = 'critical_pressure' AND r.zone IN ($zone) AND r.good > 0
    GROUP BY r.point_id
) m USING (point_id)
LEFT JOIN (
    SELECT h.point_id, sum(r.below) AS below
    FROM reading_rollup('1 hour', $__timeFrom(), $__timeTo()) h
    JOIN v_zone z USING (zone)
    CROSS JOIN LATERAL (
        SELECT count(*) AS below FROM v_reading r
        WHERE r.point_id = h.point_id AND r.time >= greatest(h.time, $__timeFrom()::timestamptz)
          AND r.time < least(h.time + INTERVAL '1 hour', $__timeTo()::timestamptz) AND r.quality IN (0, 3) AND r.value < z.min_pressure_m
    ) r
    WHERE h.role = 'critical_pressure' AND h.zone IN ($zone) AND h.min < z.min_pressure_m
    GROUP BY h.point_id
) b USING (point_id)
WHERE p.role = 'critical_pressure' AND p.zone IN ($zone)
ORDER BY m.lowest - z.min_pressure_m NULLS LAST, p.point
LIMIT 500
