SELECT d.edge AS "Passerelle", d.reason AS "Raison", count(*) AS "Rebuts", max(d.at) AS "Dernier", sum(d.payload_size) AS "Octets"
FROM v_dead_letter d
WHERE $__timeFilter(d.at) AND d.replayed_at IS NULL
GROUP BY 1, 2
ORDER BY count(*) DESC
LIMIT 100
