-- A night is drawn at 03:30 local time, the middle of the window.
SELECT (n.night + TIME '03:30') AT TIME ZONE s.timezone AS "time", z.name AS metric, n.night_flow_m3h AS value
FROM zone_night_flow($__timeFrom(), $__timeTo()) n
JOIN v_zone z USING (zone)
CROSS JOIN v_site s
WHERE n.zone IN ($zone)
ORDER BY 1, 2
