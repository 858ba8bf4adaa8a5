SELECT count(*) AS "<<Fuites ouvertes|Open leaks>>", coalesce(sum(flow_m3h), 0) AS "<<Débit perdu|Flow lost>>"
FROM v_finding
WHERE open AND kind <> 'meter_fault' AND zone IN ($zone)
