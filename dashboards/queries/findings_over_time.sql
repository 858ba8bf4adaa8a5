SELECT f.since AS "time", zone_name(z.names, z.zone, '<<fr|en>>') || ' ' || f.kind AS metric, sum(f.flow_m3h) AS value
FROM v_finding f
JOIN v_zone z USING (zone)
WHERE $__timeFilter(f.since) AND f.zone IN ($zone)
GROUP BY 1, 2
ORDER BY 1, 2
