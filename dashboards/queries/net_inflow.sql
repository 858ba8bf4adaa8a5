SELECT date_bin(greatest('$__interval'::interval, INTERVAL '5 minutes'), f.time, '1970-01-01 00:00:00+00') AS "time",
       z.name AS metric, avg(f.net_inflow_m3h) AS value
FROM zone_flow($__timeFrom(), $__timeTo()) f
JOIN v_zone z USING (zone)
WHERE f.zone IN ($zone)
GROUP BY 1, 2
ORDER BY 1, 2
