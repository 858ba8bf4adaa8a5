-- name: save_alert
-- An alert as it is now.
INSERT INTO alert (key, code, zone, priority, state, raised_at, updated_at, parameters, finding, acknowledged_by, shelved_until,
                   shelved_reason, since, active, flow_m3h, parent, areas, withheld_by, withheld_reason, withheld_until)
VALUES (%(key)s, %(code)s, %(zone)s, %(priority)s, %(state)s, %(raised_at)s, %(updated_at)s, %(parameters)s, %(finding)s,
        %(acknowledged_by)s, %(shelved_until)s, %(shelved_reason)s, %(since)s, %(active)s, %(flow_m3h)s, %(parent)s, %(areas)s,
        %(withheld_by)s, %(withheld_reason)s, %(withheld_until)s)
ON CONFLICT (key) DO UPDATE SET
    code = excluded.code, zone = excluded.zone, priority = excluded.priority, state = excluded.state, raised_at = excluded.raised_at,
    updated_at = excluded.updated_at, parameters = excluded.parameters, finding = excluded.finding,
    acknowledged_by = excluded.acknowledged_by, shelved_until = excluded.shelved_until, shelved_reason = excluded.shelved_reason,
    since = excluded.since, active = excluded.active, flow_m3h = excluded.flow_m3h, parent = excluded.parent, areas = excluded.areas,
    withheld_by = excluded.withheld_by, withheld_reason = excluded.withheld_reason, withheld_until = excluded.withheld_until;

-- name: log_alert
-- Who did what to an alert, when and why.
INSERT INTO alert_log (alert, at, actor, action, state, priority, reason, parent)
VALUES (%(key)s, %(updated_at)s, %(actor)s, %(action)s, %(state)s, %(priority)s, %(reason)s, %(parent)s);

-- name: alerts
-- Alerts, newest first; closed ones only if asked for.
SELECT key, code, zone, priority, state, raised_at, updated_at, parameters, finding, acknowledged_by, shelved_until, shelved_reason,
       since, active, flow_m3h, parent, areas, withheld_by, withheld_reason, withheld_until
FROM alert
WHERE %(include_closed)s OR state <> 'normal'
ORDER BY raised_at DESC, key;

-- name: alert
-- One alert.
SELECT key, code, zone, priority, state, raised_at, updated_at, parameters, finding, acknowledged_by, shelved_until, shelved_reason,
       since, active, flow_m3h, parent, areas, withheld_by, withheld_reason, withheld_until
FROM alert WHERE key = %(key)s;

-- name: alerts_about
-- Alerts that name a finding, or that stood in its zone at some time since.
SELECT key, code, zone, priority, state, raised_at, updated_at, parameters, finding, acknowledged_by, shelved_until, shelved_reason,
       since, active, flow_m3h, parent, areas, withheld_by, withheld_reason, withheld_until
FROM alert
WHERE finding = %(finding)s OR ((zone = %(zone)s OR %(zone)s = ANY (areas)) AND (active OR updated_at >= %(since)s))
ORDER BY raised_at DESC, key;

-- name: plans
-- Plans by which alarms are kept back, without those that ended before.
SELECT key, kind, zone, code, subject, made_by, reason, starts_at, ends_at FROM alert_withholding
WHERE ends_at > %(ended_after)s ORDER BY ends_at, key;

-- name: save_plan
-- A plan; one that is there has its span and its reason changed.
INSERT INTO alert_withholding (key, kind, zone, code, subject, made_by, reason, starts_at, ends_at)
VALUES (%(key)s, %(kind)s, %(zone)s, %(code)s, %(subject)s, %(by)s, %(reason)s, %(starts_at)s, %(ends_at)s)
ON CONFLICT (key) DO UPDATE SET
    made_by = excluded.made_by, reason = excluded.reason, starts_at = excluded.starts_at, ends_at = excluded.ends_at;

-- name: annunciations
-- Each time an operator was made to look.
SELECT n.at, n.alert, n.code, n.zone, coalesce(a.parameters ->> 'subject', ''), n.priority
FROM v_alert_annunciation n JOIN alert a ON a.key = n.alert
WHERE n.at >= %(start)s AND n.at < %(end)s
ORDER BY n.at, n.alert;
