SELECT count(*) FILTER (WHERE priority = 'high') AS "Haute",
       count(*) FILTER (WHERE priority = 'medium') AS "Moyenne",
       count(*) FILTER (WHERE priority = 'low') AS "Basse"
FROM v_alert
WHERE open AND (zone IN ($zone) OR zone IS NULL)
