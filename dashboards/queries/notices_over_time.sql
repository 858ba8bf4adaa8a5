-- Every zone: a notice may be a test, which belongs to nobody's zone.
SELECT date_bin(panel_width('$__interval', '1 hour'), n.due_at, '1970-01-01 00:00:00+00') AS "time", n.kind || ' · ' || n.state AS metric, count(*) AS value
FROM v_notice n
WHERE $__timeFilter(n.due_at)
GROUP BY 1, 2
ORDER BY 1, 2
