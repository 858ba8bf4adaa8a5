SELECT p.point AS "Point", p.quantity AS "Grandeur", coalesce(z.name, '–') AS "Secteur", n.newest AS "Dernière mesure",
       extract(epoch FROM $__timeTo()::timestamptz - n.newest) AS "Âge", p.period_s AS "Période",
       coalesce(c.received, 0) * p.period_s / extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz) AS "Complétude",
       coalesce(c.bad, 0) AS "Douteuses ou mauvaises"
FROM v_point p
LEFT JOIN v_zone z USING (zone)
LEFT JOIN (
    SELECT r.point_id, sum(r.received) AS received, sum(r.suspect) AS bad
    FROM reading_rollup('1 day', $__timeFrom(), $__timeTo()) r
    GROUP BY r.point_id
) c USING (point_id)
LEFT JOIN LATERAL (
    SELECT r.time AS newest FROM v_reading r WHERE r.point_id = p.point_id AND $__timeFilter(r.time) ORDER BY r.time DESC LIMIT 1
) n ON true
ORDER BY "Complétude", p.point
LIMIT 500
