SELECT g.received_at AS "<<Reçu|Received>>", g.edge AS "<<Passerelle|Gateway>>", g.reason AS "<<Raison|Reason>>", g.readings AS "<<Mesures perdues|Readings lost>>",
       g.from_time AS "<<De|From>>", g.to_time AS "<<À|To>>", g.devices AS "<<Appareils|Devices>>"
FROM v_gap g
WHERE $__timeFilter(g.received_at)
ORDER BY g.received_at DESC
LIMIT 200
