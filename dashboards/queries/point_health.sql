SELECT p.point AS "Point", p.quantity AS "Grandeur", coalesce(z.name, '–') AS "Secteur", c.newest AS "Dernière mesure",
       extract(epoch FROM $__timeTo()::timestamptz - c.newest) AS "Âge", p.period_s AS "Période",
       c.received * p.period_s / extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz) AS "Complétude",
       c.bad AS "Douteuses ou mauvaises"
FROM v_point p
LEFT JOIN v_zone z USING (zone)
CROSS JOIN LATERAL (
    SELECT max(r.time) AS newest, count(*) AS received, count(*) FILTER (WHERE r.quality IN (1, 2, 4)) AS bad
    FROM v_reading r
    WHERE r.point_id = p.point_id AND $__timeFilter(r.time)
) c
ORDER BY "Complétude", p.point
LIMIT 500
