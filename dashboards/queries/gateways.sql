SELECT g.name AS "Passerelle", g.edge AS "Identité", g.online AS "En ligne", g.since AS "Depuis", g.last_block_at AS "Dernière mesure",
       extract(epoch FROM now() - g.written_at) AS "Dernière écriture", g.rows_stored AS "Lignes", g.rows_repeated AS "Répétées",
       g.dead_letters AS "Rebuts", g.missing AS "En attente"
FROM v_gateway g
ORDER BY g.online, g.name
LIMIT 500
