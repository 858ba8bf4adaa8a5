SELECT count(*) FILTER (WHERE online) AS "En ligne", count(*) FILTER (WHERE NOT online) AS "Hors ligne"
FROM v_gateway
