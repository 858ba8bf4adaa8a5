SELECT date_bin(greatest('$__interval'::interval, INTERVAL '1 minute'), s.time, '1970-01-01 00:00:00+00') AS "time",
       s.actuator || ' consigne' AS metric, avg(s.setpoint_m) AS value
FROM v_setpoint s
WHERE $__timeFilter(s.time) AND s.zone IN ($zone)
GROUP BY 1, 2
UNION ALL
SELECT date_bin(greatest('$__interval'::interval, INTERVAL '1 minute'), r.time, '1970-01-01 00:00:00+00'),
       a.actuator || ' aval mesuré', avg(r.value)
FROM v_actuator a
JOIN v_reading r ON r.point = a.outlet_point
WHERE $__timeFilter(r.time) AND a.zone IN ($zone) AND r.quality IN (0, 3)
GROUP BY 1, 2
ORDER BY 1, 2
