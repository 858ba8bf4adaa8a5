SELECT coalesce(sum(minutes_below), 0) AS "<<Minutes sous le minimum|Minutes below the least>>",
       coalesce(sum(customer_minutes), 0) AS "<<Minutes-clients|Customer minutes>>"
FROM pressure_service(ARRAY[$zone]::text[], $__timeFrom(), $__timeTo())
