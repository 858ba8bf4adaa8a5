SELECT d.at AS "À", d.edge AS "Passerelle", d.reason AS "Raison", d.detail AS "Détail", d.topic AS "Sujet MQTT"
FROM v_dead_letter d
WHERE $__timeFilter(d.at) AND d.replayed_at IS NULL
ORDER BY d.at DESC
LIMIT 200
