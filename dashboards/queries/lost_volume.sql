-- What open leaks have lost between their onset and the end of the range, if they flowed as now.
SELECT coalesce(sum(flow_m3h * greatest(extract(epoch FROM $__timeTo()::timestamptz - since), 0) / 3600), 0) AS "<<Volume perdu|Volume lost>>"
FROM v_finding
WHERE open AND kind <> 'meter_fault' AND zone IN ($zone)
