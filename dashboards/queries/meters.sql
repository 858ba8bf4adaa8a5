-- A device is as good as its points; expected is by each point's period. The clock is what the device said the time was, less ours.
SELECT d.device AS "<<Appareil|Device>>", d.model AS "<<Modèle|Model>>", d.gateway AS "<<Passerelle|Gateway>>",
       coalesce(g.online, false) AS "<<Liaison|Link>>", max(n.time) AS "<<Vu à|Last seen>>",
       extract(epoch FROM $__timeTo()::timestamptz - max(n.time)) AS "<<Âge|Age>>",
       coalesce(sum(c.received), 0) / nullif(sum(extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz) / p.period_s), 0) AS "<<Taux de relève|Read rate>>",
       coalesce(sum(c.suspect), 0) AS "<<Douteuses|Suspect>>",
       max(n.value * p.numerator / p.denominator) FILTER (WHERE d.metric LIKE 'battery%') AS "<<Pile|Battery>>",
       max(t.drift_s) AS "<<Écart d'horloge|Clock drift>>"
FROM v_channel d
JOIN v_point p USING (point_id)
LEFT JOIN v_gateway g USING (edge)
LEFT JOIN LATERAL (
    SELECT r.time, r.value FROM v_count r WHERE r.point_id = d.point_id AND $__timeFilter(r.time) ORDER BY r.time DESC LIMIT 1
) n ON true
LEFT JOIN LATERAL (
    SELECT sum(r.received) AS received, sum(r.suspect) AS suspect FROM rollup_rows(d.point_id, '1 day', $__timeFrom(), $__timeTo()) r
) c ON true
LEFT JOIN LATERAL (
    SELECT k.device_ms / 1000.0 - extract(epoch FROM k.time) AS drift_s FROM v_clock_note k
    WHERE k.point = d.point AND k.device_ms >= 0 AND $__timeFilter(k.time) ORDER BY k.time DESC LIMIT 1
) t ON true
WHERE d.valid_to IS NULL AND (d.zone IN ($zone) OR d.zone IS NULL)
GROUP BY d.edge, d.device, d.model, d.gateway, g.online
ORDER BY "<<Taux de relève|Read rate>>" NULLS FIRST, d.device
LIMIT 500
