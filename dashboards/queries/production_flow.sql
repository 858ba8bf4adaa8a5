-- Every zone: what the station pumps is for the whole town.
SELECT b.time AS "time", b.point AS metric, b.mean AS value
FROM reading_bucket(panel_width('$__interval', '5 minutes'), $__timeFrom(), $__timeTo()) b
WHERE b.role = 'pump_flow'
ORDER BY 1, 2
