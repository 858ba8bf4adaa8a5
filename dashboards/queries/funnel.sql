-- Leaks found in the range, and how far each has come.
SELECT count(*) AS "<<Trouvées|Found>>", count(*) FILTER (WHERE c.alert IS NOT NULL) AS "<<Alertées|Alerted>>",
       count(*) FILTER (WHERE c.work_order IS NOT NULL) AS "<<Ordre donné|Ordered>>",
       count(*) FILTER (WHERE c.on_site_at IS NOT NULL OR c.ended_at IS NOT NULL) AS "<<Équipe sur place|Crew on site>>",
       count(*) FILTER (WHERE c.ended_at IS NOT NULL) AS "<<Réparées|Repaired>>",
       count(*) FILTER (WHERE c.verified_at IS NOT NULL) AS "<<Réparation prouvée|Repair proved>>"
FROM v_leak_case c
WHERE $__timeFilter(c.found_at) AND c.zone IN ($zone)
