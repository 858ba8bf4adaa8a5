-- Every zone: points of the whole network belong to none.
SELECT sum(c.received) / nullif(sum(extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz) / p.period_s), 0) AS "<<Complétude|Completeness>>"
FROM v_point p
LEFT JOIN (
    SELECT r.point_id, sum(r.received) AS received FROM reading_rollup('1 day', $__timeFrom(), $__timeTo()) r GROUP BY r.point_id
) c USING (point_id)
