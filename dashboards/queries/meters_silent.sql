-- A device is silent when none of its points has said anything for ten of its periods, at least an hour.
SELECT count(*) AS "<<Appareils|Devices>>", count(*) FILTER (WHERE d.heard IS NOT TRUE) AS "<<Silencieux|Silent>>"
FROM (
    SELECT c.edge, c.device, bool_or(n.time > $__timeTo()::timestamptz - make_interval(secs => greatest(3600, 10 * c.period_s))) AS heard
    FROM v_channel c
    LEFT JOIN LATERAL (
        SELECT r.time FROM v_count r WHERE r.point_id = c.point_id AND r.time <= $__timeTo() ORDER BY r.time DESC LIMIT 1
    ) n ON true
    WHERE c.valid_to IS NULL AND (c.zone IN ($zone) OR c.zone IS NULL)
    GROUP BY c.edge, c.device
) d
