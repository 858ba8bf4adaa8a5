SELECT sum(excess_m3h) AS "<<Excès de nuit|Night excess>>" FROM zone_last_night(ARRAY[$zone]::text[], $__timeTo())
