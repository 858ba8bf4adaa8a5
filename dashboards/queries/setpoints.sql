SELECT date_bin(panel_width('$__interval', '1 minute'), r.time, '1970-01-01 00:00:00+00') AS "time", v.name AS metric,
       sum(r.sum) * p.numerator / p.denominator / sum(r.good) AS value
FROM v_actuator a
CROSS JOIN LATERAL (
    VALUES (a.actuator || ' <<consigne|setpoint>>', a.setpoint_point), (a.actuator || ' <<aval mesuré|outlet measured>>', a.outlet_point)
) v (name, point)
JOIN v_point p ON p.point = v.point
CROSS JOIN LATERAL rollup_rows(p.point_id, panel_width('$__interval', '1 minute'), $__timeFrom(), $__timeTo()) r
WHERE a.zone IN ($zone) AND r.good > 0
GROUP BY 1, 2, p.numerator, p.denominator
ORDER BY 1, 2
