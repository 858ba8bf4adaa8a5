SELECT sum(committed) AS "<<Numéros reçus|Numbers committed>>", sum(rows_stored) AS "<<Lignes|Rows>>", sum(rows_repeated) AS "<<Répétées|Repeated>>",
       sum(dead_letters) AS "<<Rebuts|Dead letters>>", sum(missing) AS "<<Attendus|Awaited>>"
FROM v_gateway
