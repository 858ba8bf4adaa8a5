-- name: save_alert
-- An alert as it is now.
INSERT INTO alert (key, code, zone, priority, state, raised_at, updated_at, parameters, finding, acknowledged_by, shelved_until,
                   shelved_reason)
VALUES (%(key)s, %(code)s, %(zone)s, %(priority)s, %(state)s, %(raised_at)s, %(updated_at)s, %(parameters)s, %(finding)s,
        %(acknowledged_by)s, %(shelved_until)s, %(shelved_reason)s)
ON CONFLICT (key) DO UPDATE SET
    code = excluded.code, zone = excluded.zone, priority = excluded.priority, state = excluded.state, raised_at = excluded.raised_at,
    updated_at = excluded.updated_at, parameters = excluded.parameters, finding = excluded.finding,
    acknowledged_by = excluded.acknowledged_by, shelved_until = excluded.shelved_until, shelved_reason = excluded.shelved_reason;

-- name: log_alert
-- Who did what to an alert, and when.
INSERT INTO alert_log (alert, at, actor, action, state, priority)
VALUES (%(key)s, %(updated_at)s, %(actor)s, %(action)s, %(state)s, %(priority)s);

-- name: alerts
-- Alerts, newest first; closed ones only if asked for.
SELECT key, code, zone, priority, state, raised_at, updated_at, parameters, finding, acknowledged_by, shelved_until, shelved_reason
FROM alert
WHERE %(include_closed)s OR state <> 'normal'
ORDER BY raised_at DESC, key;
