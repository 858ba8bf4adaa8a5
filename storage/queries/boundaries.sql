-- name: timezone
-- Local time of the site.
SELECT timezone FROM site;

-- name: boundaries
-- Each zone with inlets, and its signed inlet points.
SELECT z.key, z.names, array_agg(p.key ORDER BY p.key), array_agg(i.sign ORDER BY p.key)
FROM zone z JOIN zone_inlet i ON i.zone = z.key JOIN point p USING (point_id)
GROUP BY z.key, z.names ORDER BY z.key;
