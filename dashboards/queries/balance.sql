SELECT zone_name(z.names, z.zone, '<<fr|en>>') AS "<<Secteur|Zone>>", b.days AS "<<Jours|Days>>", b.input_m3 AS "<<Entré|Input>>",
       b.input_error_m3 AS "<<± entré|± input>>", b.known_share AS "<<Heures connues|Hours known>>",
       b.coverage AS "<<Branchements comptés|Connections metered>>", b.billed_m3 AS "<<Consommé|Used>>",
       b.nrw_m3 AS "<<Non facturé (ENC)|NRW>>", b.nrw_error_m3 AS "<<± ENC|± NRW>>", b.nrw_m3 / nullif(b.input_m3, 0) AS "<<ENC, part|NRW, share>>",
       n.excess_m3h * 24 * b.days AS "<<Pertes par les nuits|Losses by the nights>>", z.zone AS zone_key
FROM zone_balance(ARRAY[$zone]::text[], $__timeFrom(), $__timeTo()) b
JOIN v_zone z USING (zone)
LEFT JOIN zone_last_night(ARRAY[$zone]::text[], $__timeTo()) n USING (zone)
ORDER BY coalesce(b.nrw_m3, n.excess_m3h * 24 * b.days) DESC NULLS LAST, 1
LIMIT 500
