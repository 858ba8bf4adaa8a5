SELECT a.raised_at AS "<<Levée à|Raised at>>", a.priority AS "<<Priorité|Priority>>", a.code AS "<<Alerte|Alert>>",
       coalesce(zone_name(z.names, z.zone, '<<fr|en>>'), '–') AS "<<Secteur|Zone>>", a.state AS "<<État|State>>", a.flow_m3h AS "<<Débit|Flow>>",
       a.acknowledged_by AS "<<Acquittée par|Acknowledged by>>", a.shelved_until AS "<<Mise de côté jusqu'à|Shelved until>>",
       a.updated_at AS "<<Changée à|Changed at>>", a.zone AS zone_key
FROM v_alert a
LEFT JOIN v_zone z USING (zone)
WHERE (a.zone IN ($zone) OR a.zone IS NULL) AND (a.open OR $__timeFilter(a.raised_at))
ORDER BY a.open DESC, a.raised_at DESC
LIMIT 200
