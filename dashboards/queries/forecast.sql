-- The 24 hours after the end of the range, by the same rule as the band.
SELECT extract(epoch FROM b.time - date_bin('1 hour', $__timeTo()::timestamptz, '1970-01-01 00:00:00+00')) / 3600 AS "<<Heures d'avance|Hours ahead>>",
       CASE WHEN count(b.usual_m3h) = count(*) THEN sum(b.low_m3h) END AS "<<Bas 5 %|Low 5 %>>",
       CASE WHEN count(b.usual_m3h) = count(*) THEN sum(b.usual_m3h) END AS "<<Prévision|Forecast>>",
       CASE WHEN count(b.usual_m3h) = count(*) THEN sum(b.high_m3h) END AS "<<Haut 95 %|High 95 %>>"
FROM zone_band(ARRAY[$zone]::text[], '1 hour', $__timeTo(), $__timeTo()::timestamptz + INTERVAL '24 hours') b
GROUP BY b.time
ORDER BY 1
LIMIT 48
