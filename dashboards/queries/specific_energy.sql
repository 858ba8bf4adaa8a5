-- Every zone: one figure for all that is pumped. Mean power over mean flow is energy over volume.
SELECT sum(r.sum) FILTER (WHERE r.role = 'pump_power') / nullif(sum(r.good) FILTER (WHERE r.role = 'pump_power'), 0)
       / nullif(sum(r.sum) FILTER (WHERE r.role = 'pump_flow') / nullif(sum(r.good) FILTER (WHERE r.role = 'pump_flow'), 0), 0) AS "<<Énergie|Energy>>"
FROM reading_rollup('1 day', $__timeFrom(), $__timeTo()) r
WHERE r.role IN ('pump_power', 'pump_flow')
