WITH flow AS (
    SELECT zone, avg(net_inflow_m3h) AS mean_m3h, sum(net_inflow_m3h * extract(epoch FROM width) / 3600) AS volume_m3, max(time) AS newest
    FROM zone_inflow(
        CASE WHEN $__timeTo()::timestamptz - $__timeFrom()::timestamptz > INTERVAL '2 days' THEN INTERVAL '1 hour' ELSE INTERVAL '5 minutes' END,
        $__timeFrom(), $__timeTo())
    GROUP BY zone
), alert AS (
    SELECT zone, count(*) AS open FROM v_alert WHERE open GROUP BY zone
)
SELECT zone_name(z.names, z.zone, '<<fr|en>>') AS "<<Secteur|Zone>>", f.mean_m3h AS "<<Débit moyen|Mean flow>>",
       f.volume_m3 AS "<<Volume entré|Volume entered>>", n.night_flow_m3h AS "<<Débit de nuit|Night flow>>",
       z.lawful_night_m3h AS "<<Usage de nuit admis|Legitimate night use>>", n.excess_m3h AS "<<Excès|Excess>>",
       n.excess_l_h AS "<<Excès par branchement|Excess per connection>>", coalesce(a.open, 0) AS "<<Alertes|Alerts>>",
       f.newest AS "<<Dernière valeur|Last value>>", z.zone AS zone_key
FROM v_zone z
LEFT JOIN flow f USING (zone)
LEFT JOIN zone_last_night(ARRAY[$zone]::text[], $__timeTo()) n USING (zone)
LEFT JOIN alert a USING (zone)
WHERE z.zone IN ($zone)
ORDER BY n.excess_m3h DESC NULLS LAST, 1
LIMIT 200
