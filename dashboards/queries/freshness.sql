-- By the database's own clock.
SELECT extract(epoch FROM now() - max(written_at)) AS "<<Dernier COMMIT|Last COMMIT>>",
       extract(epoch FROM now() - min(written_at)) AS "<<Passerelle la plus en retard|Gateway furthest behind>>"
FROM v_gateway
