-- Of leaks found in the range; each step has the cases that came so far.
SELECT avg(extract(epoch FROM c.found_at - c.since)) AS "<<Conscience|Awareness>>",
       avg(extract(epoch FROM c.ordered_at - c.found_at)) AS "<<Jusqu'à l'ordre|To the order>>",
       avg(extract(epoch FROM c.ended_at - c.ordered_at)) AS "<<Réparation|Repair>>",
       avg(extract(epoch FROM c.verified_at - c.ended_at)) AS "<<Preuve|Proof>>"
FROM v_leak_case c
WHERE $__timeFilter(c.found_at) AND c.zone IN ($zone)
