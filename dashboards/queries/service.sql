SELECT z.name AS "Secteur", p.point AS "Point critique", z.min_pressure_m AS "Minimum de service", m.lowest AS "Plus basse", m.mean AS "Moyenne",
       m.below * p.period_s / 60.0 AS "Minutes sous le minimum"
FROM v_point p
JOIN v_zone z USING (zone)
CROSS JOIN LATERAL (
    SELECT min(r.value) AS lowest, avg(r.value) AS mean, count(*) FILTER (WHERE r.value < z.min_pressure_m) AS below
    FROM v_reading r
    WHERE r.point_id = p.point_id AND $__timeFilter(r.time) AND r.quality IN (0, 3)
) m
WHERE p.role = 'critical_pressure' AND p.zone IN ($zone)
ORDER BY m.lowest - z.min_pressure_m NULLS LAST, p.point
LIMIT 500
