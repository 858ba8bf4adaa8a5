SELECT k.edge AS "<<Passerelle|Gateway>>", k.point AS "Point", count(*) AS "<<Mesures|Readings>>",
       max(abs(k.device_ms / 1000.0 - extract(epoch FROM k.time))) FILTER (WHERE k.device_ms >= 0) AS "<<Plus grand écart|Largest drift>>",
       count(*) FILTER (WHERE k.device_ms < 0) AS "<<Sans heure|Without a time>>", max(k.time) AS "<<Dernière|Last>>"
FROM v_clock_note k
JOIN v_point p USING (point)
WHERE $__timeFilter(k.time) AND (p.zone IN ($zone) OR p.zone IS NULL)
GROUP BY 1, 2
ORDER BY count(*) DESC, 2
LIMIT 200
