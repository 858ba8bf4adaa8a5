-- By local day; renewals keep a value and move nothing.
SELECT date_trunc('day', c.issued_at AT TIME ZONE s.timezone) AT TIME ZONE s.timezone AS "time",
       c.actuator || CASE WHEN c.state = 'verified' THEN '' ELSE ' · ' || c.state END AS metric, count(*) AS value
FROM v_command c
CROSS JOIN v_site s
WHERE $__timeFilter(c.issued_at) AND c.zone IN ($zone) AND c.source <> 'renewal'
GROUP BY 1, 2
ORDER BY 1, 2
