SELECT date_bin(greatest('$__interval'::interval, INTERVAL '5 minutes'), r.time, '1970-01-01 00:00:00+00') AS "time",
       r.quantity AS metric, count(*) AS value
FROM v_reading r
WHERE $__timeFilter(r.time)
GROUP BY 1, 2
ORDER BY 1, 2
