SELECT sum(saved_m3) AS "<<Volume épargné|Volume saved>>" FROM pressure_saving(ARRAY[$zone]::text[], $__timeFrom(), $__timeTo())
