SELECT z.name AS "Secteur", f.kind AS "Nature", f.since AS "Depuis", f.found_at AS "Trouvée à", f.flow_m3h AS "Débit",
       f.flow_error_m3h AS "± écart-type", f.confidence AS "Confiance", f.detector AS "Détecteur", f.open AS "Ouverte", f.finding AS "Identité"
FROM v_finding f
JOIN v_zone z USING (zone)
WHERE f.zone IN ($zone) AND (f.open OR $__timeFilter(f.found_at))
ORDER BY f.open DESC, f.flow_m3h DESC
LIMIT 200
