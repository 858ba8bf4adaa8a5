-- Every zone: one figure for all that is pumped. Mean power over mean flow is energy over volume.
SELECT avg(r.value) FILTER (WHERE r.role = 'pump_power') / nullif(avg(r.value) FILTER (WHERE r.role = 'pump_flow'), 0) AS "Énergie"
FROM v_point p
JOIN v_reading r USING (point_id)
WHERE p.role IN ('pump_power', 'pump_flow') AND $__timeFilter(r.time) AND r.quality IN (0, 3)
