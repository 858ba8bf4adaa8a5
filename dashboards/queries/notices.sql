-- Every zone: a notice may be a test, which belongs to nobody's zone.
SELECT n.recipient AS "<<Destinataire|Recipient>>", count(*) FILTER (WHERE n.state = 'sent') AS "<<Envoyés|Sent>>",
       count(*) FILTER (WHERE n.state IN ('waiting', 'sending')) AS "<<En attente|Waiting>>",
       count(*) FILTER (WHERE n.state = 'failed') AS "<<Échoués|Failed>>", count(*) FILTER (WHERE n.acked_at IS NOT NULL) AS "<<Vus|Seen>>",
       avg(extract(epoch FROM n.sent_at - n.due_at)) AS "<<Délai d'envoi|Delay of sending>>", max(n.sent_at) AS "<<Dernier envoi|Last sent>>"
FROM v_notice n
WHERE $__timeFilter(n.due_at)
GROUP BY n.recipient
ORDER BY count(*) FILTER (WHERE n.state = 'failed') DESC, n.recipient
LIMIT 200
