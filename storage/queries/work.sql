-- name: orders
-- Orders, newest first; closed ones only if asked for.
SELECT key, alert, zone, state, created_at, updated_at, created_by, repaired_at, reopened, night_before_m3h, night_after_m3h
FROM work_order WHERE %(include_closed)s OR state <> 'verified' ORDER BY created_at DESC, key;

-- name: orders_of
-- Orders of one alert, newest first.
SELECT key, alert, zone, state, created_at, updated_at, created_by, repaired_at, reopened, night_before_m3h, night_after_m3h
FROM work_order WHERE alert = %(alert)s ORDER BY created_at DESC, key;

-- name: order
-- One order.
SELECT key, alert, zone, state, created_at, updated_at, created_by, repaired_at, reopened, night_before_m3h, night_after_m3h
FROM work_order WHERE key = %(key)s;

-- name: repairs
-- Repairs that stand, with the finding of each order's alert and its most probable pipe.
SELECT a.finding, f.places -> 0 ->> 'pipe', o.repaired_at, o.state = 'verified'
FROM work_order o JOIN alert a ON a.key = o.alert JOIN finding f ON f.key = a.finding
WHERE o.repaired_at >= %(since)s ORDER BY o.repaired_at, o.key;

-- name: reports
-- What was said on an order, oldest first.
SELECT key, work_order, kind, said_at, said_by, note FROM crew_report WHERE work_order = %(key)s ORDER BY said_at, key;

-- name: save_order
-- An order as it is now.
INSERT INTO work_order (key, alert, zone, state, created_at, updated_at, created_by, repaired_at, reopened,
                        night_before_m3h, night_after_m3h)
VALUES (%(key)s, %(alert)s, %(zone)s, %(state)s, %(created_at)s, %(updated_at)s, %(created_by)s, %(repaired_at)s, %(reopened)s,
        %(night_before_m3h)s, %(night_after_m3h)s)
ON CONFLICT (key) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at, repaired_at = excluded.repaired_at,
    reopened = excluded.reopened, night_before_m3h = excluded.night_before_m3h, night_after_m3h = excluded.night_after_m3h;

-- name: add_report
-- A report; the same again is no other.
INSERT INTO crew_report (key, work_order, kind, said_at, said_by, note)
VALUES (%(key)s, %(order)s, %(kind)s, %(said_at)s, %(by)s, %(note)s) ON CONFLICT (key) DO NOTHING;

-- name: history
-- What has happened to an alert, oldest first.
SELECT at, actor, action, state FROM alert_log WHERE alert = %(alert)s ORDER BY id;
