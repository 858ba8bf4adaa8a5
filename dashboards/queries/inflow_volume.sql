-- Beyond two days by the hour, out of the rollups.
SELECT sum(net_inflow_m3h * extract(epoch FROM width) / 3600) AS "<<Volume entré|Volume entered>>"
FROM zone_inflow(
    CASE WHEN $__timeTo()::timestamptz - $__timeFrom()::timestamptz > INTERVAL '2 days' THEN INTERVAL '1 hour' ELSE INTERVAL '5 minutes' END,
    $__timeFrom(), $__timeTo())
WHERE zone IN ($zone)
