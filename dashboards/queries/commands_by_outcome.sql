SELECT count(*) FILTER (WHERE state = 'verified') AS "<<Vérifiées|Verified>>",
       count(*) FILTER (WHERE state = 'refused') AS "<<Refusées|Refused>>",
       count(*) FILTER (WHERE state IN ('expired', 'failed', 'unknown')) AS "<<Sans effet prouvé|No proved effect>>",
       count(*) FILTER (WHERE state = 'pending') AS "<<En cours|Under way>>"
FROM v_command
WHERE $__timeFilter(issued_at) AND zone IN ($zone)
