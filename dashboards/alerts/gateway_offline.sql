SELECT count(*) AS value FROM v_gateway WHERE NOT online
