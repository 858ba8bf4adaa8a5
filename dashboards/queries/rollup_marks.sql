-- What is marked is answered from the readings: a lag costs time, never truth.
SELECT count(*) AS "<<Marques|Marks>>",
       coalesce(extract(epoch FROM $__timeTo()::timestamptz - min(starts) FILTER (WHERE isfinite(starts))), 0) AS "<<La plus ancienne|The oldest>>"
FROM v_rollup_mark
