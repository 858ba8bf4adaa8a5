SELECT date_bin(panel_width('$__interval', '5 minutes'), r.time, '1970-01-01 00:00:00+00') AS "time",
       r.quantity AS metric, sum(r.received) AS value
FROM reading_rollup(panel_width('$__interval', '5 minutes'), $__timeFrom(), $__timeTo()) r
GROUP BY 1, 2
ORDER BY 1, 2
