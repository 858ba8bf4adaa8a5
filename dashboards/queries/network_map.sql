SELECT zone_name(z.names, z.zone, '<<fr|en>>') AS "<<Secteur|Zone>>", n.excess_l_h AS "<<Excès par branchement|Excess per connection>>",
       n.excess_m3h AS "<<Excès de nuit|Night excess>>", f.flow_m3h AS "<<Fuites ouvertes|Open leaks>>",
       a.open AS "<<Alertes|Alerts>>", z.lat AS lat, z.lon AS lon, z.zone AS zone_key
FROM v_zone z
LEFT JOIN zone_last_night(ARRAY[$zone]::text[], $__timeTo()) n USING (zone)
LEFT JOIN (SELECT zone, sum(flow_m3h) AS flow_m3h FROM v_finding WHERE open AND kind <> 'meter_fault' GROUP BY zone) f USING (zone)
LEFT JOIN (SELECT zone, count(*) AS open FROM v_alert WHERE open GROUP BY zone) a USING (zone)
WHERE z.zone IN ($zone) AND z.lat IS NOT NULL
ORDER BY 1
LIMIT 1000
