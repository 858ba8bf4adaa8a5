SELECT sum(rows_stored) AS "Lignes", sum(rows_repeated) AS "Répétées", sum(dead_letters) AS "Rebuts", sum(missing) AS "En attente"
FROM v_gateway
