SELECT s.actuator AS "<<Vanne|Valve>>", zone_name(z.names, z.zone, '<<fr|en>>') AS "<<Secteur|Zone>>", s.safe_m AS "<<Repli|Fall-back>>",
       s.outlet_m AS "<<Aval moyen|Mean outlet>>", s.night_excess_m3h AS "<<Excès de nuit|Night excess>>",
       s.night_pressure_m AS "<<Pression de nuit|Night pressure>>", s.saved_m3 AS "<<Volume épargné|Volume saved>>", m.moves AS "<<Manœuvres|Moves>>",
       p.refused AS "<<Refus|Refusals>>", z.zone AS zone_key
FROM pressure_saving(ARRAY[$zone]::text[], $__timeFrom(), $__timeTo()) s
JOIN v_zone z USING (zone)
LEFT JOIN LATERAL (
    SELECT count(*) AS moves FROM v_command c
    WHERE c.actuator = s.actuator AND c.state = 'verified' AND c.source <> 'renewal' AND $__timeFilter(c.issued_at)
) m ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS refused FROM v_proposal p WHERE p.actuator = s.actuator AND p.refused AND $__timeFilter(p.created_at)
) p ON true
ORDER BY s.saved_m3 DESC NULLS LAST, s.actuator
LIMIT 200
