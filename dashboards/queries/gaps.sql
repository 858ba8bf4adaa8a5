SELECT g.received_at AS "Reçu", g.edge AS "Passerelle", g.reason AS "Raison", g.readings AS "Mesures perdues", g.from_time AS "De",
       g.to_time AS "À", g.devices AS "Appareils"
FROM v_gap g
WHERE $__timeFilter(g.received_at)
ORDER BY g.received_at DESC
LIMIT 200
