-- A bucket is filled where an inlet's value is estimated, even in part.
WITH flow AS (
    SELECT f.time, count(*) AS zones, sum(f.net_inflow_m3h) AS inflow_m3h
    FROM zone_inflow(panel_width('$__interval', '15 minutes'), $__timeFrom(), $__timeTo()) f
    WHERE f.zone IN ($zone)
    GROUP BY f.time
), estimated AS (
    SELECT DISTINCT date_bin(panel_width('$__interval', '15 minutes'), r.time, '1970-01-01 00:00:00+00') AS time
    FROM v_inlet i
    JOIN v_point p USING (point)
    CROSS JOIN LATERAL rollup_rows(p.point_id, panel_width('$__interval', '15 minutes'), $__timeFrom(), $__timeTo()) r
    WHERE i.zone IN ($zone) AND r.estimated > 0
)
SELECT f.time AS "<<Heure|Time>>", CASE WHEN e.time IS NULL THEN f.inflow_m3h END AS "<<Mesuré|Measured>>",
       CASE WHEN e.time IS NOT NULL THEN f.inflow_m3h END AS "<<Comblé|Gap filled>>"
FROM flow f
LEFT JOIN estimated e USING (time)
WHERE f.zones = (SELECT count(DISTINCT i.zone) FROM v_inlet i WHERE i.zone IN ($zone))
ORDER BY 1
LIMIT 5000
