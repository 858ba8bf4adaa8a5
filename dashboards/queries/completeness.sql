SELECT sum(c.received) / nullif(sum(extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz) / p.period_s), 0) AS "Complétude"
FROM v_point p
CROSS JOIN LATERAL (
    SELECT count(*) AS received FROM v_reading r WHERE r.point_id = p.point_id AND $__timeFilter(r.time)
) c
