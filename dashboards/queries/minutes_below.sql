-- Only hours whose lowest value is below the minimum are looked at reading by reading.
SELECT coalesce(sum(b.below * p.period_s) / 60.0, 0) AS "Minutes sous le minimum"
FROM v_point p
JOIN (
    SELECT h.point_id, sum(r.below) AS below
    FROM reading_rollup('1 hour', $__timeFrom(), $__timeTo()) h
    JOIN v_zone z USING (zone)
    CROSS JOIN LATERAL (
        SELECT count(*) AS below FROM v_reading r
        WHERE r.point_id = h.point_id AND r.time >= greatest(h.time, $__timeFrom()::timestamptz)
          AND r.time < least(h.time + INTERVAL '1 hour', $__timeTo()::timestamptz) AND r.quality IN (0, 3) AND r.value < z.min_pressure_m
    ) r
    WHERE h.role = 'critical_pressure' AND h.zone IN ($zone) AND h.min < z.min_pressure_m
    GROUP BY h.point_id
) b USING (point_id)
