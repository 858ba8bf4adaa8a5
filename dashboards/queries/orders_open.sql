SELECT count(*) FILTER (WHERE o.state = 'open') AS "<<À faire|To do>>", count(*) FILTER (WHERE o.state = 'on_site') AS "<<Sur place|On site>>",
       count(*) FILTER (WHERE o.state = 'repaired') AS "<<À prouver|To prove>>", coalesce(sum(o.reopened), 0) AS "<<Rouvertures|Reopenings>>"
FROM v_work_order o
WHERE o.state <> 'verified' AND o.zone IN ($zone)
