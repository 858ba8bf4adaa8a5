SELECT sum(net_inflow_m3h * extract(epoch FROM width) / 3600) AS "Volume"
FROM zone_flow($__timeFrom(), $__timeTo())
WHERE zone IN ($zone)
