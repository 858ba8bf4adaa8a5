SELECT a.actuator AS "Vanne", z.name AS "Secteur", coalesce(a.mode, '–') AS "Mode", a.mode_until AS "Jusqu'à", a.owner AS "Par",
       s.setpoint_m AS "Consigne", o.value AS "Aval mesuré", a.min_m AS "Limite basse", a.max_m AS "Limite haute", a.safe_m AS "Repli",
       s.time AS "Lue à"
FROM v_actuator a
JOIN v_zone z USING (zone)
LEFT JOIN LATERAL (
    SELECT v.setpoint_m, v.time FROM v_setpoint v
    WHERE v.actuator = a.actuator AND $__timeFilter(v.time) ORDER BY v.time DESC LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT r.value FROM v_reading r
    WHERE r.point = a.outlet_point AND $__timeFilter(r.time) AND r.quality IN (0, 3) ORDER BY r.time DESC LIMIT 1
) o ON true
WHERE a.zone IN ($zone)
ORDER BY z.name, a.actuator
LIMIT 200
