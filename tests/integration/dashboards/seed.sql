-- A month that ends on 2026-05-31 12:00 UTC. Inlets every 5 minutes, all else every half hour; one value in fifty is suspect.
SELECT ensure_reading_partitions('2026-04-29 00:00:00+00', '2026-06-01 00:00:00+00');
INSERT INTO reading (time, value, point_id, quality)
SELECT t, round((20 + 5 * sin(extract(epoch FROM t) / 13751)) * p.denominator / p.numerator), p.point_id,
       CASE WHEN extract(epoch FROM t)::bigint % 90000 = 0 THEN 1 ELSE 0 END
FROM point p
CROSS JOIN LATERAL generate_series(
    '2026-04-30 12:00:00+00'::timestamptz, '2026-05-31 12:00:00+00',
    CASE WHEN EXISTS (SELECT FROM zone_inlet i WHERE i.point_id = p.point_id) THEN INTERVAL '5 minutes' ELSE INTERVAL '30 minutes' END
) t;
-- Keys with an apostrophe come from people who name zones as they speak.
INSERT INTO zone (key, kind, names, min_pressure_m, connections, population, mains_km, night_use_m3h)
VALUES ('l''oued', 'dma', '{"fr": "L''oued"}', 20, 100, 500, 1, 0.5);
INSERT INTO zone_inlet (zone, point_id, sign) SELECT 'l''oued', point_id, 1 FROM point WHERE key = 'oued.inlet.flow';
INSERT INTO ledger (edge, epoch, committed, stored, dead, newest)
SELECT edge, 1, '{[1,1001)}', 990, 10, '2026-05-31 12:00:00+00' FROM gateway;
INSERT INTO gateway_state (edge, online, since, updated_at) SELECT edge, true, '2026-05-30 00:00:00+00', '2026-05-30 00:00:00+00' FROM gateway;
INSERT INTO dead_letter (at, edge, reason, detail) SELECT '2026-05-31 11:00:00+00', edge, 'future_time', 'clock in 2099' FROM gateway;
INSERT INTO gap_record (edge, epoch, first, last, reason, at, received_at, points)
SELECT edge, 7, 1, 40, 'spool_full', '2026-05-31 11:00:00+00', '2026-05-31 11:00:00+00', '[["meter", "flow_m3h", 40]]' FROM gateway;
INSERT INTO finding (key, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence)
VALUES ('burst:medina', 'burst', 'medina', 'step', '2026-05-31 08:00:00+00', '2026-05-31 10:00:00+00', 12, 2, 0.97, true, '[]'),
       ('standing:oued', 'standing', 'oued', 'night', '2026-05-12 08:00:00+00', '2026-05-14 06:00:00+00', 4, 1, 0.8, false, '[]');
INSERT INTO alert (key, code, zone, priority, state, raised_at, updated_at, parameters, finding)
VALUES ('a1', 'leak.burst', 'medina', 'high', 'unacknowledged', '2026-05-31 10:00:00+00', '2026-05-31 10:00:00+00', '{}', 'burst:medina'),
       ('a2', 'gateway.silent', NULL, 'low', 'normal', '2026-05-20 10:00:00+00', '2026-05-20 11:00:00+00', '{}', NULL);
INSERT INTO command (command_id, actuator, gateway, device, field, value_m, previous_m, source, author, issued_at, expires_at, counter,
                     owner_token, lease_s, key_id, state, readback_m, finished_at)
SELECT 'c-' || key, key, edge, device, field, 30, 31, 'law', 'feed_forward', '2026-05-31 11:00:00+00', '2026-05-31 11:10:00+00',
       row_number() OVER (), 1, 1800, 'k1', 'verified', 30, '2026-05-31 11:00:40+00'
FROM actuator;
INSERT INTO audit (sequence, at, actor, action, subject, body, previous_hash, hash)
VALUES (1, '2026-05-31 11:00:00+00', 'law', 'command', 'prv_medina', '{}', decode(repeat('00', 32), 'hex'), decode(repeat('01', 32), 'hex'))
;
-- A region and a province over two of the zones, and places on the map.
INSERT INTO zone (key, kind, names, min_pressure_m, connections, population, mains_km, night_use_m3h)
VALUES ('marrakech-safi', 'region', '{"fr": "Marrakech-Safi"}', 20, 0, 0, 0, 0), ('al-haouz', 'province', '{"fr": "Al Haouz", "en": "Al Haouz"}', 20, 0, 0, 0, 0);
UPDATE zone SET parent = 'marrakech-safi' WHERE key = 'al-haouz';
UPDATE zone SET parent = 'al-haouz' WHERE key = 'medina';
UPDATE zone SET lat = 31.5 + length(key) / 100.0, lon = -8.0 + length(names ->> 'fr') / 100.0;
-- Every tenth value is estimated; the first device behind a meter's gateway has a battery, and a clock nobody believed.
UPDATE reading SET quality = 3 WHERE extract(epoch FROM time)::bigint % 18000 = 0 AND quality = 0 AND time > '2026-05-30 00:00:00+00';
INSERT INTO point (key, quantity, kind, role, unit, resolution, zone, period_s) VALUES ('meter.battery', 'position', 'instant', 'other', '%', 1, 'medina', 3600);
INSERT INTO channel (edge, device, metric, point_id) SELECT d.edge, d.key, 'battery_pct', p.point_id FROM (SELECT edge, key FROM device ORDER BY edge, key LIMIT 1) d, point p WHERE p.key = 'meter.battery';
INSERT INTO reading (time, value, point_id, quality)
SELECT t, 15, p.point_id, 0 FROM point p, generate_series('2026-05-01 00:00:00+00'::timestamptz, '2026-05-31 12:00:00+00', INTERVAL '3 hours') t WHERE p.key = 'meter.battery';
INSERT INTO clock_note (point_id, time, device_ms, edge) SELECT c.point_id, '2026-05-31 11:30:00+00', 1780227000000, c.edge FROM channel c WHERE c.metric = 'battery_pct';
-- A leak whose repair is proved, and one that a crew works on; notices; wishes of which one was refused.
INSERT INTO finding (key, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence, money_a_day)
VALUES ('burst:oued', 'burst', 'oued', 'step', '2026-05-20 08:00:00+00', '2026-05-21 08:00:00+00', 6, 1, 0.9, false, '[]', 600);
INSERT INTO alert (key, code, zone, priority, state, raised_at, updated_at, parameters, finding)
VALUES ('a3', 'leak.burst', 'oued', 'medium', 'normal', '2026-05-21 08:00:00+00', '2026-05-24 06:00:00+00', '{}', 'burst:oued');
INSERT INTO work_order (key, alert, zone, state, created_at, created_by, updated_at, repaired_at, reopened)
VALUES ('work:oued:1', 'a3', 'oued', 'verified', '2026-05-21 09:00:00+00', 'amina', '2026-05-24 06:00:00+00', '2026-05-22 08:00:00+00', 0),
       ('work:medina:1', 'a1', 'medina', 'on_site', '2026-05-31 10:30:00+00', 'amina', '2026-05-31 11:15:00+00', NULL, 0);
INSERT INTO crew_report (key, work_order, kind, said_at, said_by, note)
VALUES ('r1', 'work:oued:1', 'on_site', '2026-05-22 06:00:00+00', 'crew', ''), ('r2', 'work:medina:1', 'on_site', '2026-05-31 11:15:00+00', 'crew', '');
INSERT INTO notice (key, kind, recipient, language, priority, alert, raised_at, due_at, state, attempts, next_try_at, sent_at, error, acked_at)
VALUES ('n1', 'raised', 'crew north', 'fr', 'high', 'a1', '2026-05-31 10:00:00+00', '2026-05-31 10:00:00+00', 'sent', 1, '2026-05-31 10:00:00+00', '2026-05-31 10:00:20+00', NULL, '2026-05-31 10:05:00+00'),
       ('n2', 'escalated', 'chief', 'fr', 'high', 'a1', '2026-05-31 10:00:00+00', '2026-05-31 10:15:00+00', 'failed', 5, '2026-05-31 10:30:00+00', NULL, 'https://sms.example/?token=secret', NULL);
INSERT INTO proposal (proposal_id, actuator, value_m, source, author, created_at, reason, refusals, effect)
VALUES ('p1', 'prv_medina', 90, 'operator', 'amina', '2026-05-31 10:40:00+00', 'test', '[{"code": "above_limit", "text": "90 m is above 50 m", "parameters": {}}]', NULL),
       ('p2', 'prv_medina', 30, 'law', 'feed_forward', '2026-05-31 10:50:00+00', 'night', '[]', '{"leakage_change_m3h": -0.4, "customers_below": 0}')
