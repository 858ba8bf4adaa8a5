-- name: save_finding
-- A finding; found_at stays what it was when the finding was first saved.
INSERT INTO finding (key, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence)
VALUES (%(key)s, %(kind)s, %(zone)s, %(detector)s, %(since)s, %(found_at)s, %(flow_m3h)s, %(flow_error_m3h)s, %(confidence)s, %(open)s,
        %(evidence)s)
ON CONFLICT (key) DO UPDATE SET
    kind = excluded.kind, zone = excluded.zone, detector = excluded.detector, since = excluded.since, flow_m3h = excluded.flow_m3h,
    flow_error_m3h = excluded.flow_error_m3h, confidence = excluded.confidence, open = excluded.open, evidence = excluded.evidence;

-- name: open_findings
-- Findings that are not over, oldest first.
SELECT key, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence
FROM finding WHERE open ORDER BY since, key;
