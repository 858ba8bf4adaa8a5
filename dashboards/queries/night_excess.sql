SELECT sum(last_night.night_flow_m3h - z.night_use_m3h) AS "Excès nocturne"
FROM (
    SELECT DISTINCT ON (zone) zone, night_flow_m3h
    FROM zone_night_flow($__timeTo()::timestamptz - INTERVAL '3 days', $__timeTo())
    WHERE zone IN ($zone)
    ORDER BY zone, night DESC
) last_night
JOIN v_zone z USING (zone)
