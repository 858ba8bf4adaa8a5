SELECT a.raised_at AS "Levée à", a.priority AS "Priorité", a.code AS "Alerte", coalesce(z.name, '–') AS "Secteur", a.state AS "État",
       a.flow_m3h AS "Débit", a.acknowledged_by AS "Acquittée par", a.shelved_until AS "Mise de côté jusqu'à", a.updated_at AS "Changée à"
FROM v_alert a
LEFT JOIN v_zone z USING (zone)
WHERE (a.zone IN ($zone) OR a.zone IS NULL) AND (a.open OR $__timeFilter(a.raised_at))
ORDER BY a.open DESC, a.raised_at DESC
LIMIT 200
