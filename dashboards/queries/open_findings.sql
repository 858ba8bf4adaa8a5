SELECT count(*) AS "Fuites ouvertes", coalesce(sum(flow_m3h), 0) AS "Débit perdu"
FROM v_finding
WHERE open AND kind <> 'meter_fault' AND zone IN ($zone)
