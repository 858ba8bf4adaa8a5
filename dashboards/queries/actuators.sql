SELECT a.actuator AS "<<Vanne|Valve>>", zone_name(z.names, z.zone, '<<fr|en>>') AS "<<Secteur|Zone>>", coalesce(a.mode, '–') AS "Mode",
       a.mode_until AS "<<Jusqu'à|Until>>", a.owner AS "<<Par|By>>", s.setpoint_m AS "<<Consigne|Setpoint>>", o.value AS "<<Aval mesuré|Outlet measured>>",
       a.min_m AS "<<Limite basse|Low limit>>", a.max_m AS "<<Limite haute|High limit>>", a.safe_m AS "<<Repli|Fall-back>>",
       s.time AS "<<Lue à|Read at>>", z.zone AS zone_key
FROM v_actuator a
JOIN v_zone z USING (zone)
LEFT JOIN v_point sp ON sp.point = a.setpoint_point
LEFT JOIN v_point op ON op.point = a.outlet_point
LEFT JOIN LATERAL (
    SELECT c.value * sp.numerator / sp.denominator AS setpoint_m, c.time FROM v_count c
    WHERE c.point_id = sp.point_id AND $__timeFilter(c.time) ORDER BY c.time DESC LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT c.value * op.numerator / op.denominator AS value FROM v_count c
    WHERE c.point_id = op.point_id AND $__timeFilter(c.time) AND c.quality IN (0, 3) ORDER BY c.time DESC LIMIT 1
) o ON true
WHERE a.zone IN ($zone)
ORDER BY z.name, a.actuator
LIMIT 200
