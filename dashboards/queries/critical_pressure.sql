-- With the least service pressure of each zone, at the two ends of the range.
SELECT b.time AS "time", b.point AS metric, b.mean AS value
FROM reading_bucket(panel_width('$__interval', '1 minute'), $__timeFrom(), $__timeTo()) b
WHERE b.role = 'critical_pressure' AND b.zone IN ($zone)
UNION ALL
SELECT e.time, zone_name(z.names, z.zone, '<<fr|en>>') || ' · minimum', z.min_pressure_m
FROM v_zone z
CROSS JOIN (VALUES ($__timeFrom()::timestamptz), ($__timeTo()::timestamptz)) e (time)
WHERE z.zone IN (SELECT p.zone FROM v_point p WHERE p.role = 'critical_pressure' AND p.zone IN ($zone))
ORDER BY 1, 2
