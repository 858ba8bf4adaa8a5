SELECT b.time AS "time", b.point AS metric, b.mean AS value
FROM reading_bucket(panel_width('$__interval', '1 minute'), $__timeFrom(), $__timeTo()) b
WHERE b.role = 'critical_pressure' AND b.zone IN ($zone)
ORDER BY 1, 2
