-- name: insert_request
-- An order that waits for a second person.
INSERT INTO approval_request (request_id, actuator, value_m, current_m, owner_token, author, proposed_at, reason, asked_by, because,
                              asked_at, ends_at)
VALUES (%(request_id)s, %(actuator)s, %(value_m)s, %(current_m)s, %(owner_token)s, %(author)s, %(proposed_at)s, %(reason)s,
        %(asked_by)s, %(because)s, %(asked_at)s, %(ends_at)s);

-- name: replace_request
-- The request of an actuator that a newer one takes the place of.
UPDATE approval_request SET state = 'replaced', decided_by = %(by)s, decided_at = %(wall)s
WHERE actuator = %(actuator)s AND state = 'waiting' RETURNING request_id;

-- name: waiting_requests
-- Requests nobody has decided about, oldest first.
SELECT request_id, actuator, value_m, current_m, owner_token, author, proposed_at, reason, asked_by, because, asked_at, ends_at
FROM approval_request WHERE state = 'waiting' ORDER BY asked_at, request_id;

-- name: settle_request
-- Ends a waiting request, once; an approval only in its time.
UPDATE approval_request SET state = %(verdict)s, decided_by = %(by)s, decided_at = %(wall)s
WHERE request_id = %(request_id)s AND state = 'waiting'
  AND (%(verdict)s <> 'approved' OR (asked_at <= %(wall)s AND %(wall)s < ends_at))
RETURNING request_id;

-- name: expire_requests
-- Ends what nobody decided in time, or what was asked for by a clock that has been set back since.
UPDATE approval_request SET state = 'expired', decided_by = %(by)s, decided_at = %(wall)s
WHERE state = 'waiting' AND (ends_at <= %(wall)s OR asked_at > %(wall)s) RETURNING request_id, actuator;

-- name: approved_without_order
-- Requests of the last hours that were approved and whose order was never made: the centre stopped in between.
SELECT r.request_id, r.actuator FROM approval_request r
WHERE r.state = 'approved' AND r.decided_at > %(since)s
  AND NOT EXISTS (SELECT FROM command c WHERE c.command_id = r.request_id)
  AND NOT EXISTS (SELECT FROM audit a WHERE a.subject = r.request_id AND a.action = 'approval.lost')
ORDER BY r.decided_at;

-- name: declare
-- A new emergency.
INSERT INTO emergency (emergency_id, actuator, declared_by, reason, declared_at, until, confirmed_by, confirmed_at)
VALUES (%(emergency_id)s, %(actuator)s, %(declared_by)s, %(reason)s, %(declared_at)s, %(until)s, %(confirmed_by)s, %(confirmed_at)s);

-- name: confirm
-- Another's yes to exactly this one, once, while it lasts.
UPDATE emergency SET confirmed_by = %(by)s, confirmed_at = %(at)s
WHERE emergency_id = %(emergency_id)s AND ended_at IS NULL AND confirmed_by IS NULL AND %(at)s < until RETURNING emergency_id;

-- name: end_emergency
-- Ends exactly this one.
UPDATE emergency SET ended_by = %(by)s, ended_at = %(at)s
WHERE emergency_id = %(emergency_id)s AND ended_at IS NULL AND %(at)s < until RETURNING emergency_id;

-- name: make_room
-- Ends what stands at an actuator before another emergency is declared there.
UPDATE emergency SET ended_by = %(by)s, ended_at = %(at)s WHERE actuator = %(actuator)s AND ended_at IS NULL;

-- name: emergencies
-- Emergencies that are not over, oldest first.
SELECT emergency_id, actuator, declared_by, reason, declared_at, until, confirmed_by
FROM emergency WHERE ended_at IS NULL AND until > %(now)s ORDER BY declared_at, actuator;
