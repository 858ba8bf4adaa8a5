SELECT count(*) FILTER (WHERE priority = 'high') AS "<<Haute|High>>",
       count(*) FILTER (WHERE priority = 'medium') AS "<<Moyenne|Medium>>",
       count(*) FILTER (WHERE priority = 'low') AS "<<Basse|Low>>"
FROM v_alert
WHERE open AND (zone IN ($zone) OR zone IS NULL)
