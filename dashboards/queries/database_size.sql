SELECT sum(bytes) AS "<<Base|Database>>", sum(bytes) FILTER (WHERE name = 'reading') AS "<<Mesures|Readings>>",
       sum(bytes) FILTER (WHERE name LIKE 'rollup%' OR name LIKE '%materialized%') AS "<<Agrégats|Rollups>>"
FROM v_table_size
