SELECT p.created_at AS "<<À|At>>", p.actuator AS "<<Vanne|Valve>>", p.value_m AS "<<Demandée|Asked>>", r.reason ->> 'code' AS "<<Raison|Reason>>",
       r.reason ->> 'text' AS "<<Détail|Detail>>", p.source AS "Source", p.author AS "<<Auteur|Author>>", p.zone AS zone_key
FROM v_proposal p
CROSS JOIN LATERAL jsonb_array_elements(p.refusals) AS r (reason)
WHERE p.refused AND $__timeFilter(p.created_at) AND p.zone IN ($zone)
ORDER BY p.created_at DESC
LIMIT 200
