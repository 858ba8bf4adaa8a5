-- A leak runs to its repair, or to the end of the range; one that closed without an order has no known end, and no volume.
SELECT zone_name(z.names, z.zone, '<<fr|en>>') AS "<<Secteur|Zone>>", c.kind AS "<<Nature|Kind>>", c.since AS "<<Depuis|Since>>",
       coalesce(c.work_state, CASE WHEN c.open THEN '<<sans ordre|no order>>' ELSE '<<close sans ordre|closed, no order>>' END) AS "<<Ordre|Order>>",
       r.days AS "<<Durée|Run time>>", c.flow_m3h AS "<<Débit|Flow>>", c.flow_m3h * 24 * r.days AS "<<Volume perdu|Volume lost>>",
       c.money_a_day * r.days AS "<<Coût|Cost>>", c.repaired_at AS "<<Réparée à|Repaired at>>", c.verified_at AS "<<Prouvée à|Proved at>>",
       w.night_before_m3h AS "<<Nuit avant|Night before>>", w.night_after_m3h AS "<<Nuit après|Night after>>", c.reopened AS "<<Rouverte|Reopened>>",
       z.zone AS zone_key, c.work_order AS order_key
FROM v_leak_case c
JOIN v_zone z USING (zone)
LEFT JOIN v_work_order w USING (work_order)
CROSS JOIN LATERAL (
    SELECT greatest(0, extract(epoch FROM coalesce(c.ended_at, CASE WHEN c.open OR c.work_order IS NOT NULL THEN $__timeTo()::timestamptz END) - c.since)) / 86400
           AS days
) r
WHERE c.zone IN ($zone) AND (c.open OR $__timeFilter(c.found_at) OR $__timeFilter(c.ended_at))
ORDER BY c.open DESC, c.flow_m3h * r.days DESC NULLS LAST
LIMIT 200
