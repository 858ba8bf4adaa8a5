SELECT c.issued_at AS "Donnée à", c.actuator AS "Vanne", c.previous_m AS "Avant", c.value_m AS "Demandée", c.readback_m AS "Relue",
       c.state AS "Issue", c.answer_s AS "Réponse", c.source AS "Source", c.author AS "Auteur", c.detail AS "Détail"
FROM v_command c
WHERE $__timeFilter(c.issued_at) AND c.zone IN ($zone)
ORDER BY c.issued_at DESC
LIMIT 200
