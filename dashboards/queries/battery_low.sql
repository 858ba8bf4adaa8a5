-- Batteries among the newest values of the last 30 days.
SELECT count(n.value) AS "<<Piles lues|Batteries read>>", count(*) FILTER (WHERE n.value < 20) AS "<<Sous 20 %|Below 20 %>>"
FROM v_channel c
JOIN v_point p USING (point_id)
LEFT JOIN LATERAL (
    SELECT r.value * p.numerator / p.denominator AS value FROM v_count r
    WHERE r.point_id = c.point_id AND r.quality IN (0, 3) AND r.time > $__timeTo()::timestamptz - INTERVAL '30 days' AND r.time <= $__timeTo()
    ORDER BY r.time DESC LIMIT 1
) n ON true
WHERE c.valid_to IS NULL AND c.metric LIKE 'battery%' AND c.quantity = 'position' AND (c.zone IN ($zone) OR c.zone IS NULL)
