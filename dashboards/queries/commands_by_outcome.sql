SELECT count(*) FILTER (WHERE state = 'verified') AS "Vérifiées",
       count(*) FILTER (WHERE state = 'refused') AS "Refusées",
       count(*) FILTER (WHERE state IN ('expired', 'failed', 'unknown')) AS "Sans effet prouvé",
       count(*) FILTER (WHERE state = 'pending') AS "En cours"
FROM v_command
WHERE $__timeFilter(issued_at) AND zone IN ($zone)
