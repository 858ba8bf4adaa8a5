-- Sums over the chosen zones; a bucket that lacks one of them is not drawn. Sums of bands are wider than the band of the sum.
WITH band AS (
    SELECT b.time, count(b.net_inflow_m3h) AS known, count(b.usual_m3h) AS usual, count(*) AS zones,
           sum(b.net_inflow_m3h) AS inflow_m3h, sum(b.low_m3h) AS low_m3h, sum(b.usual_m3h) AS usual_m3h, sum(b.high_m3h) AS high_m3h
    FROM zone_band(
        ARRAY[$zone]::text[],
        CASE WHEN $__timeTo()::timestamptz - $__timeFrom()::timestamptz > INTERVAL '60 days' THEN INTERVAL '1 day'
             ELSE panel_width('$__interval', '1 hour') END,
        $__timeFrom(), $__timeTo()) b
    GROUP BY b.time
)
SELECT b.time AS "time", v.name AS metric, v.value AS value
FROM band b
CROSS JOIN LATERAL (
    VALUES ('<<Entrée|Inflow>>', CASE WHEN b.known = b.zones THEN b.inflow_m3h END),
           ('<<Habituel (prévision)|Usual (forecast)>>', CASE WHEN b.usual = b.zones THEN b.usual_m3h END),
           ('<<Bas 5 %|Low 5 %>>', CASE WHEN b.usual = b.zones THEN b.low_m3h END),
           ('<<Haut 95 %|High 95 %>>', CASE WHEN b.usual = b.zones THEN b.high_m3h END)
) v (name, value)
ORDER BY 1, 2
