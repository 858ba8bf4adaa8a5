SELECT zone_name(z.names, z.zone, '<<fr|en>>') AS "<<Secteur|Zone>>", s.point AS "<<Point critique|Critical point>>",
       s.min_pressure_m AS "<<Minimum de service|Least service pressure>>", s.lowest_m AS "<<Plus basse|Lowest>>", s.mean_m AS "<<Moyenne|Mean>>",
       s.minutes_below AS "<<Minutes sous le minimum|Minutes below the least>>", s.customer_minutes AS "<<Minutes-clients|Customer minutes>>",
       z.zone AS zone_key
FROM pressure_service(ARRAY[$zone]::text[], $__timeFrom(), $__timeTo()) s
JOIN v_zone z USING (zone)
ORDER BY s.lowest_m - s.min_pressure_m NULLS LAST, s.point
LIMIT 500
