-- Every zone: a gateway serves several. What the centre can know of a gateway's spool: numbers missing below the highest that arrived,
-- and how far its newest reading is behind the newest of all.
SELECT g.name AS "<<Passerelle|Gateway>>", g.missing AS "<<Numéros attendus|Numbers awaited>>",
       extract(epoch FROM max(g.last_block_at) OVER () - g.last_block_at) AS "<<Retard|Behind>>"
FROM v_gateway g
ORDER BY g.missing DESC, 3 DESC NULLS FIRST, g.name
LIMIT 200
