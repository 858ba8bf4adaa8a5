-- name: save_site
-- The one site of this database.
INSERT INTO site (key, names, timezone) VALUES (%(key)s, %(names)s, %(timezone)s)
ON CONFLICT (only_one) DO UPDATE SET key = excluded.key, names = excluded.names, timezone = excluded.timezone;

-- name: save_zone
-- A zone; its parent may come later in the same transaction.
INSERT INTO zone (key, kind, names, parent, min_pressure_m, connections, population, mains_km, night_use_m3h, lat, lon)
VALUES (%(key)s, %(kind)s, %(names)s, %(parent)s, %(min_pressure_m)s, %(connections)s, %(population)s, %(mains_km)s,
        %(night_use_m3h)s, %(lat)s, %(lon)s)
ON CONFLICT (key) DO UPDATE SET
    kind = excluded.kind, names = excluded.names, parent = excluded.parent, min_pressure_m = excluded.min_pressure_m,
    connections = excluded.connections, population = excluded.population, mains_km = excluded.mains_km,
    night_use_m3h = excluded.night_use_m3h, lat = excluded.lat, lon = excluded.lon;

-- name: changed_meaning
-- What a point with readings is, if that differs from what the inventory says now.
SELECT p.quantity, p.kind, p.resolution FROM point p
WHERE p.key = %(key)s
  AND (p.quantity, p.kind, p.resolution) IS DISTINCT FROM (%(quantity)s::text, %(kind)s::text, %(resolution)s::numeric)
  AND EXISTS (SELECT FROM reading r WHERE r.point_id = p.point_id);

-- name: save_point
-- A point; its number stays the same for ever.
INSERT INTO point (key, quantity, kind, role, unit, resolution, zone, low, high, period_s, node, x, y)
VALUES (%(key)s, %(quantity)s, %(kind)s, %(role)s, %(unit)s, %(resolution)s, %(zone)s, %(low)s, %(high)s, %(period_s)s, %(node)s,
        %(x)s, %(y)s)
ON CONFLICT (key) DO UPDATE SET
    quantity = excluded.quantity, kind = excluded.kind, role = excluded.role, unit = excluded.unit, resolution = excluded.resolution,
    zone = excluded.zone, low = excluded.low, high = excluded.high, period_s = excluded.period_s, node = excluded.node,
    x = excluded.x, y = excluded.y;

-- name: save_inlets
-- The signed boundary of a zone, replaced as a whole.
WITH wanted AS (
    SELECT p.point_id, w.sign
    FROM unnest(%(points)s::text[], %(signs)s::int2[]) AS w (key, sign) JOIN point p ON p.key = w.key
), gone AS (
    DELETE FROM zone_inlet WHERE zone = %(zone)s AND point_id NOT IN (SELECT point_id FROM wanted)
)
INSERT INTO zone_inlet (zone, point_id, sign) SELECT %(zone)s, point_id, sign FROM wanted
ON CONFLICT (zone, point_id) DO UPDATE SET sign = excluded.sign;

-- name: save_critical
-- The critical points of a zone in their order, replaced as a whole.
WITH wanted AS (
    SELECT p.point_id, w.place
    FROM unnest(%(points)s::text[]) WITH ORDINALITY AS w (key, place) JOIN point p ON p.key = w.key
), gone AS (
    DELETE FROM zone_critical WHERE zone = %(zone)s AND point_id NOT IN (SELECT point_id FROM wanted)
)
INSERT INTO zone_critical (zone, point_id, place) SELECT %(zone)s, point_id, place FROM wanted
ON CONFLICT (zone, point_id) DO UPDATE SET place = excluded.place;

-- name: save_gateway
-- A gateway.
INSERT INTO gateway (edge, group_id, node, name) VALUES (%(edge)s, %(group_id)s, %(node)s, %(name)s)
ON CONFLICT (edge) DO UPDATE SET name = excluded.name;

-- name: save_device
-- A device behind a gateway.
INSERT INTO device (edge, key, model, unit_id, period_s) VALUES (%(edge)s, %(key)s, %(model)s, %(unit_id)s, %(period_s)s)
ON CONFLICT (edge, key) DO UPDATE SET model = excluded.model, unit_id = excluded.unit_id, period_s = excluded.period_s;

-- name: end_channel
-- Ends the valid channel of a metric that now feeds another point.
UPDATE channel c SET valid_to = coalesce(%(valid_from)s::timestamptz, %(at)s)
FROM point p
WHERE (c.edge, c.device, c.metric) = (%(edge)s, %(device)s, %(metric)s) AND c.valid_to IS NULL
  AND p.point_id = c.point_id AND p.key <> %(point)s;

-- name: start_channel
-- The channel as the inventory has it: since ever if it is the metric's first, else since the change; nothing if it is there already.
INSERT INTO channel (edge, device, metric, point_id, valid_from, valid_to)
SELECT %(edge)s, %(device)s, %(metric)s, p.point_id,
       coalesce(%(valid_from)s::timestamptz,
                (SELECT greatest(max(c.valid_to), %(at)s::timestamptz) FROM channel c
                 WHERE (c.edge, c.device, c.metric) = (%(edge)s, %(device)s, %(metric)s) HAVING count(*) > 0)),
       %(valid_to)s
FROM point p
WHERE p.key = %(point)s
  AND NOT EXISTS (
    SELECT FROM channel c
    WHERE (c.edge, c.device, c.metric, c.point_id) = (%(edge)s, %(device)s, %(metric)s, p.point_id)
      AND c.valid_to IS NOT DISTINCT FROM %(valid_to)s::timestamptz
      AND (%(valid_from)s::timestamptz IS NULL OR c.valid_from = %(valid_from)s)
  );

-- name: end_channels_not_listed
-- Ends the valid channels of a device that the inventory lists no more.
UPDATE channel SET valid_to = %(at)s
WHERE (edge, device) = (%(edge)s, %(device)s) AND valid_to IS NULL AND metric <> ALL (%(metrics)s::text[]);

-- name: save_actuator
-- An actuator with its limits and the points that watch it.
INSERT INTO actuator (key, edge, device, field, zone, min_m, max_m, safe_m, lease_s, setpoint, outlet_pressure, inlet_pressure, flow)
SELECT %(key)s, %(edge)s, %(device)s, %(field)s, %(zone)s, %(min_m)s, %(max_m)s, %(safe_m)s, %(lease_s)s,
       (SELECT point_id FROM point WHERE key = %(setpoint)s), (SELECT point_id FROM point WHERE key = %(outlet_pressure)s),
       (SELECT point_id FROM point WHERE key = %(inlet_pressure)s), (SELECT point_id FROM point WHERE key = %(flow)s)
ON CONFLICT (key) DO UPDATE SET
    edge = excluded.edge, device = excluded.device, field = excluded.field, zone = excluded.zone, min_m = excluded.min_m,
    max_m = excluded.max_m, safe_m = excluded.safe_m, lease_s = excluded.lease_s, setpoint = excluded.setpoint,
    outlet_pressure = excluded.outlet_pressure, inlet_pressure = excluded.inlet_pressure, flow = excluded.flow;
