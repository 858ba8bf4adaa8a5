WITH flow AS (
    SELECT zone, avg(net_inflow_m3h) AS mean_m3h, sum(net_inflow_m3h * extract(epoch FROM width) / 3600) AS volume_m3, max(time) AS newest
    FROM zone_inflow(
        CASE WHEN $__timeTo()::timestamptz - $__timeFrom()::timestamptz > INTERVAL '2 days' THEN INTERVAL '1 hour' ELSE INTERVAL '5 minutes' END,
        $__timeFrom(), $__timeTo())
    GROUP BY zone
), night AS (
    SELECT DISTINCT ON (zone) zone, night_flow_m3h
    FROM zone_night_flow($__timeTo()::timestamptz - INTERVAL '3 days', $__timeTo())
    ORDER BY zone, night DESC
), alert AS (
    SELECT zone, count(*) AS open FROM v_alert WHERE open GROUP BY zone
)
SELECT z.name AS "Secteur", f.mean_m3h AS "Débit moyen", f.volume_m3 AS "Volume", n.night_flow_m3h AS "Débit de nuit",
       z.night_use_m3h AS "Usage de nuit admis", n.night_flow_m3h - z.night_use_m3h AS "Excès",
       1000 * (n.night_flow_m3h - z.night_use_m3h) / nullif(z.connections, 0) AS "Excès par branchement",
       coalesce(a.open, 0) AS "Alertes", f.newest AS "Dernière valeur"
FROM v_zone z
LEFT JOIN flow f USING (zone)
LEFT JOIN night n USING (zone)
LEFT JOIN alert a USING (zone)
WHERE z.zone IN ($zone)
ORDER BY "Excès" DESC NULLS LAST, "Secteur"
LIMIT 200
