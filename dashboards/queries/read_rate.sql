-- Received over expected by each point's period, by gateway. A bucket with nothing at all is not there.
SELECT date_bin(w.width, r.time, '1970-01-01 00:00:00+00') AS "time", c.gateway AS metric,
       sum(r.received) / e.expected AS value
FROM (SELECT panel_width('$__interval', '15 minutes') AS width) w
CROSS JOIN v_channel c
JOIN (
    SELECT h.edge, sum(extract(epoch FROM panel_width('$__interval', '15 minutes')) / p.period_s) AS expected
    FROM v_channel h JOIN v_point p USING (point_id) WHERE h.valid_to IS NULL GROUP BY h.edge
) e ON e.edge = c.edge
CROSS JOIN LATERAL rollup_rows(c.point_id, w.width, $__timeFrom(), $__timeTo()) r
WHERE c.valid_to IS NULL AND (c.zone IN ($zone) OR c.zone IS NULL)
GROUP BY 1, 2, e.expected
ORDER BY 1, 2
