-- Every zone: a gateway serves several.
SELECT g.name AS "<<Passerelle|Gateway>>", g.edge AS "<<Identité|Identity>>", g.online AS "<<En ligne|Online>>", g.since AS "<<Depuis|Since>>",
       g.last_block_at AS "<<Dernière mesure|Last reading>>", extract(epoch FROM now() - g.written_at) AS "<<Dernière écriture|Last write>>",
       g.missing AS "<<Attendus|Awaited>>", g.rows_stored AS "<<Lignes|Rows>>", g.rows_repeated AS "<<Répétées|Repeated>>",
       g.dead_letters AS "<<Rebuts|Dead letters>>"
FROM v_gateway g
ORDER BY g.online, g.name
LIMIT 500
