-- Every zone: the audit is one chain, and its rows belong to actuators, alerts and people.
SELECT a.sequence AS "N°", a.at AS "À", a.actor AS "Qui", a.action AS "Quoi", a.subject AS "Sur quoi"
FROM v_audit a
WHERE $__timeFilter(a.at)
ORDER BY a.sequence DESC
LIMIT 200
