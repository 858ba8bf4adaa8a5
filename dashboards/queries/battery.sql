SELECT b.time AS "time", c.device AS metric, min(b.mean) AS value
FROM reading_bucket(panel_width('$__interval', '1 hour'), $__timeFrom(), $__timeTo()) b
JOIN v_channel c USING (point)
WHERE c.valid_to IS NULL AND c.metric LIKE 'battery%' AND b.quantity = 'position' AND (b.zone IN ($zone) OR b.zone IS NULL)
GROUP BY 1, 2
ORDER BY 1, 2
