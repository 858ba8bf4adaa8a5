-- A night is drawn at 03:30 local time, the middle of the window.
SELECT (n.night + TIME '03:30') AT TIME ZONE s.timezone AS "time", v.name AS metric, v.value AS value
FROM zone_night_flow($__timeFrom(), $__timeTo()) n
JOIN v_zone z USING (zone)
CROSS JOIN v_site s
CROSS JOIN LATERAL (VALUES (zone_name(z.names, z.zone, '<<fr|en>>'), n.night_flow_m3h),
                           (zone_name(z.names, z.zone, '<<fr|en>>') || ' · <<usage admis|legitimate use>>', z.lawful_night_m3h)) v (name, value)
WHERE n.zone IN ($zone)
ORDER BY 1, 2
