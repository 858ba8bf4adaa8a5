-- By the readings' own time: a dip is a hole in the data, whenever it was noticed.
SELECT b.time AS "time", b.quantity AS metric, b.received / extract(epoch FROM b.width) AS value
FROM (
    SELECT date_bin(panel_width('$__interval', '5 minutes'), r.time, '1970-01-01 00:00:00+00') AS time, r.quantity,
           panel_width('$__interval', '5 minutes') AS width, sum(r.received) AS received
    FROM reading_rollup(panel_width('$__interval', '5 minutes'), $__timeFrom(), $__timeTo()) r
    GROUP BY 1, 2
) b
ORDER BY 1, 2
