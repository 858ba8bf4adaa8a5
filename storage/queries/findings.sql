-- name: save_finding
-- A finding; found_at stays what it was when the finding was first saved.
INSERT INTO finding (key, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence,
                     cause, places, money_a_day, co2_kg_a_day, notes, region)
VALUES (%(key)s, %(kind)s, %(zone)s, %(detector)s, %(since)s, %(found_at)s, %(flow_m3h)s, %(flow_error_m3h)s, %(confidence)s, %(open)s,
        %(evidence)s, %(cause)s, %(places)s, %(money_a_day)s, %(co2_kg_a_day)s, %(notes)s, %(region)s)
ON CONFLICT (key) DO UPDATE SET
    kind = excluded.kind, zone = excluded.zone, detector = excluded.detector, since = excluded.since, flow_m3h = excluded.flow_m3h,
    flow_error_m3h = excluded.flow_error_m3h, confidence = excluded.confidence, open = excluded.open, evidence = excluded.evidence,
    cause = excluded.cause, places = excluded.places, money_a_day = excluded.money_a_day, co2_kg_a_day = excluded.co2_kg_a_day,
    notes = excluded.notes, region = excluded.region;

-- name: open_findings
-- Findings that are not over, oldest first.
SELECT key, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence, cause, places,
       money_a_day, co2_kg_a_day, notes, region
FROM finding WHERE open ORDER BY since, key;

-- name: findings
-- Findings that were open or found at some time in a span, or all of a key's; oldest first.
SELECT key, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence, cause, places,
       money_a_day, co2_kg_a_day, notes, region
FROM finding
WHERE (%(key)s::text IS NULL OR key = %(key)s) AND (%(since)s::timestamptz IS NULL OR open OR found_at >= %(since)s)
ORDER BY since, key;
