SELECT coalesce(sum(p.period_s) / 60.0, 0) AS "Minutes sous le minimum"
FROM v_point p
JOIN v_zone z USING (zone)
JOIN v_reading r USING (point_id)
WHERE p.role = 'critical_pressure' AND p.zone IN ($zone) AND $__timeFilter(r.time) AND r.quality IN (0, 3) AND r.value < z.min_pressure_m
