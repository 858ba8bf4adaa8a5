-- Every zone: the audit is one chain, and its rows belong to actuators, alerts and people.
SELECT a.sequence AS "<<N°|No.>>", a.at AS "<<À|At>>", a.actor AS "<<Qui|Who>>", a.action AS "<<Quoi|What>>", a.subject AS "<<Sur quoi|On what>>"
FROM v_audit a
WHERE $__timeFilter(a.at)
ORDER BY a.sequence DESC
LIMIT 200
