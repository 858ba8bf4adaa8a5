-- Newest good value of each critical point, not older than six hours, over the zone's minimum service pressure.
SELECT min(newest.value - z.min_pressure_m) AS "<<Marge|Margin>>"
FROM v_point p
JOIN v_zone z USING (zone)
CROSS JOIN LATERAL (
    SELECT r.value * p.numerator / p.denominator AS value FROM v_count r
    WHERE r.point_id = p.point_id AND r.quality IN (0, 3) AND r.time > $__timeTo()::timestamptz - INTERVAL '6 hours' AND r.time <= $__timeTo()
    ORDER BY r.time DESC LIMIT 1
) newest
WHERE p.role = 'critical_pressure' AND p.zone IN ($zone)
