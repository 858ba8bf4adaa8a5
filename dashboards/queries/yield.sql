-- By the meters where 30 % of the connections have one; by the nights everywhere: what is not lost at last night's excess.
SELECT sum(b.billed_m3) / nullif(sum(b.input_m3) FILTER (WHERE b.billed_m3 IS NOT NULL), 0) AS "<<Par les compteurs|By the meters>>",
       1 - sum(greatest(0, n.excess_m3h) * 24 * b.days) / nullif(sum(b.input_m3) FILTER (WHERE n.excess_m3h IS NOT NULL), 0) AS "<<Par les nuits|By the nights>>"
FROM zone_balance(ARRAY[$zone]::text[], $__timeFrom(), $__timeTo()) b
LEFT JOIN zone_last_night(ARRAY[$zone]::text[], $__timeTo()) n USING (zone)
