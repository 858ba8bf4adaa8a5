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
