SELECT f.time AS "time", zone_name(z.names, z.zone, '<<fr|en>>') AS metric, f.net_inflow_m3h AS value
FROM zone_inflow(panel_width('$__interval', '5 minutes'), $__timeFrom(), $__timeTo()) f
JOIN v_zone z USING (zone)
WHERE f.zone IN ($zone)
ORDER BY 1, 2
