-- Newest bucket of each zone, not older than six hours.
SELECT sum(newest.net_inflow_m3h) AS "<<Débit net|Net inflow>>"
FROM (
    SELECT DISTINCT ON (zone) net_inflow_m3h
    FROM zone_flow($__timeTo()::timestamptz - INTERVAL '6 hours', $__timeTo())
    WHERE zone IN ($zone)
    ORDER BY zone, time DESC
) newest
