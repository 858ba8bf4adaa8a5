-- name: save_finding
-- A finding of a customer's meter; found_at stays what it was when the finding was first saved.
INSERT INTO customer_finding (key, meter, zone, kind, since, found_at, flow_m3h, usual_m3h, lasted_h, seen_at, ended_at, reopened, notes)
VALUES (%(key)s, %(meter)s, %(zone)s, %(kind)s, %(since)s, %(found_at)s, %(flow_m3h)s, %(usual_m3h)s, %(lasted_h)s, %(seen_at)s,
        %(ended_at)s, %(reopened)s, %(notes)s)
ON CONFLICT (key) DO UPDATE SET
    zone = excluded.zone, kind = excluded.kind, since = excluded.since, flow_m3h = excluded.flow_m3h, usual_m3h = excluded.usual_m3h,
    lasted_h = excluded.lasted_h, seen_at = excluded.seen_at, ended_at = excluded.ended_at, reopened = excluded.reopened,
    notes = excluded.notes;

-- name: save_part
-- What the watch of some meters remembers.
INSERT INTO customer_watch (part, looked_at, meters, state) VALUES (%(part)s, %(looked_at)s, %(meters)s, %(state)s)
ON CONFLICT (part) DO UPDATE SET looked_at = excluded.looked_at, meters = excluded.meters, state = excluded.state;

-- name: parts
-- Every part without its state, in order.
SELECT part, looked_at, meters FROM customer_watch ORDER BY part;

-- name: state
-- What the watch of one part remembers.
SELECT state FROM customer_watch WHERE part = %(part)s;

-- name: findings
-- Those that are open or ended since, or one; oldest first.
SELECT key, meter, zone, kind, since, found_at, flow_m3h, usual_m3h, lasted_h, seen_at, ended_at, reopened, notes
FROM customer_finding
WHERE (%(key)s::text IS NULL OR key = %(key)s)
  AND (%(key)s::text IS NOT NULL OR ended_at IS NULL OR ended_at >= %(ended_since)s::timestamptz)
ORDER BY since, key;
