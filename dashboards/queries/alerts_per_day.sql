SELECT date_trunc('day', a.raised_at AT TIME ZONE s.timezone) AT TIME ZONE s.timezone AS "time", a.priority AS metric, count(*) AS value
FROM v_alert a
CROSS JOIN v_site s
WHERE $__timeFilter(a.raised_at) AND (a.zone IN ($zone) OR a.zone IS NULL)
GROUP BY 1, 2
ORDER BY 1, 2
