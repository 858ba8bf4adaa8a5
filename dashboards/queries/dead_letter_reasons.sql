SELECT d.edge AS "<<Passerelle|Gateway>>", d.reason AS "<<Raison|Reason>>", count(*) AS "<<Rebuts|Dead letters>>", max(d.at) AS "<<Dernier|Last>>",
       sum(d.payload_size) AS "<<Octets|Bytes>>"
FROM v_dead_letter d
WHERE $__timeFilter(d.at) AND d.replayed_at IS NULL
GROUP BY 1, 2
ORDER BY count(*) DESC
LIMIT 100
