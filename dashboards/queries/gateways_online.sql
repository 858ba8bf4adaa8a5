-- Every zone: a gateway serves several.
SELECT count(*) FILTER (WHERE online) AS "<<En ligne|Online>>", count(*) FILTER (WHERE NOT online) AS "<<Hors ligne|Offline>>"
FROM v_gateway
