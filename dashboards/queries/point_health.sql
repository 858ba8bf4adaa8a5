-- Every zone: points of the whole network belong to none.
SELECT p.point AS "Point", p.quantity AS "<<Grandeur|Quantity>>", coalesce(zone_name(z.names, z.zone, '<<fr|en>>'), '–') AS "<<Secteur|Zone>>",
       n.newest AS "<<Dernière mesure|Last reading>>", extract(epoch FROM $__timeTo()::timestamptz - n.newest) AS "<<Âge|Age>>",
       p.period_s AS "<<Période|Period>>",
       coalesce(c.received, 0) * p.period_s / extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz) AS "<<Complétude|Completeness>>",
       coalesce(c.bad, 0) AS "<<Douteuses ou mauvaises|Suspect or bad>>"
FROM v_point p
LEFT JOIN v_zone z USING (zone)
LEFT JOIN (
    SELECT r.point_id, sum(r.received) AS received, sum(r.suspect) AS bad
    FROM reading_rollup('1 day', $__timeFrom(), $__timeTo()) r
    GROUP BY r.point_id
) c USING (point_id)
LEFT JOIN LATERAL (
    SELECT r.time AS newest FROM v_count r WHERE r.point_id = p.point_id AND $__timeFilter(r.time) ORDER BY r.time DESC LIMIT 1
) n ON true
ORDER BY "<<Complétude|Completeness>>", p.point
LIMIT 500
