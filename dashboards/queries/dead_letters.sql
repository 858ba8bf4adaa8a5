SELECT d.at AS "<<À|At>>", d.edge AS "<<Passerelle|Gateway>>", d.reason AS "<<Raison|Reason>>", d.detail AS "<<Détail|Detail>>",
       d.topic AS "<<Sujet MQTT|MQTT topic>>"
FROM v_dead_letter d
WHERE $__timeFilter(d.at) AND d.replayed_at IS NULL
ORDER BY d.at DESC
LIMIT 200
