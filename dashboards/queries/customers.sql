SELECT b.time AS "time", b.point AS metric, b.mean AS value
FROM reading_bucket(panel_width('$__interval', '5 minutes'), $__timeFrom(), $__timeTo()) b
WHERE b.role = 'customer' AND b.quantity = 'flow' AND b.zone IN ($zone)
ORDER BY 1, 2
