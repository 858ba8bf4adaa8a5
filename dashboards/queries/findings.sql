SELECT zone_name(z.names, z.zone, '<<fr|en>>') AS "<<Secteur|Zone>>", f.kind AS "<<Nature|Kind>>", f.since AS "<<Depuis|Since>>",
       f.found_at AS "<<Trouvée à|Found at>>", f.flow_m3h AS "<<Débit|Flow>>", f.flow_error_m3h AS "<<± écart-type|± standard error>>",
       f.confidence AS "<<Confiance|Confidence>>", f.detector AS "<<Détecteur|Detector>>", f.open AS "<<Ouverte|Open>>",
       f.finding AS "<<Identité|Identity>>", z.zone AS zone_key
FROM v_finding f
JOIN v_zone z USING (zone)
WHERE f.zone IN ($zone) AND (f.open OR $__timeFilter(f.found_at))
ORDER BY f.open DESC, f.flow_m3h DESC
LIMIT 200
