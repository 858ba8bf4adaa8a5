SELECT c.issued_at AS "<<Donnée à|Given at>>", c.actuator AS "<<Vanne|Valve>>", c.previous_m AS "<<Avant|Before>>", c.value_m AS "<<Demandée|Asked>>",
       c.readback_m AS "<<Relue|Read back>>", c.state AS "<<Issue|Outcome>>", c.answer_s AS "<<Réponse|Answer>>", c.source AS "Source",
       c.author AS "<<Auteur|Author>>", c.detail AS "<<Détail|Detail>>", c.zone AS zone_key
FROM v_command c
WHERE $__timeFilter(c.issued_at) AND c.zone IN ($zone)
ORDER BY c.issued_at DESC
LIMIT 200
