SELECT t.name AS "Table", t.parts AS "<<Partitions|Parts>>", t.bytes AS "<<Taille|Size>>", t.rows_believed AS "<<Lignes, environ|Rows, about>>"
FROM v_table_size t
ORDER BY t.bytes DESC
LIMIT 100
