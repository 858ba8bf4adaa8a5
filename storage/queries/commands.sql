-- name: lock_audit
-- One writer at a time, so that every row knows the one before it; let go at the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('khettara audit chain', 0));

-- name: last_audit
-- The end of the chain.
SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1;

-- name: insert_audit
-- The next link.
INSERT INTO audit (sequence, at, actor, action, subject, body, previous_hash, hash)
VALUES (%(sequence)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(body)s::json, %(previous_hash)s, %(hash)s);

-- name: audit_rows
-- Links after one, ascending.
SELECT sequence, at, actor, action, subject, body::text, previous_hash, hash
FROM audit WHERE sequence > %(after)s ORDER BY sequence LIMIT %(limit)s;

-- name: insert_proposal
-- A proposal and what the desk said to it.
INSERT INTO proposal (proposal_id, actuator, value_m, source, author, created_at, reason, refusals, effect)
VALUES (%(proposal_id)s, %(actuator)s, %(value_m)s, %(source)s, %(author)s, %(created_at)s, %(reason)s, %(refusals)s, %(effect)s)
ON CONFLICT (proposal_id) DO UPDATE SET refusals = excluded.refusals, effect = excluded.effect;

-- name: next_counter
-- The next command counter of a gateway.
INSERT INTO command_counter AS c (gateway, counter) VALUES (%(gateway)s, 1)
ON CONFLICT (gateway) DO UPDATE SET counter = c.counter + 1
RETURNING counter;

-- name: insert_command
-- A command, pending.
INSERT INTO command (command_id, actuator, gateway, device, field, value_m, previous_m, source, author, issued_at, expires_at, counter,
                     owner_token, lease_s, key_id, emergency, witness_sequence, witness_hash)
VALUES (%(command_id)s, %(actuator)s, %(gateway)s, %(device)s, %(field)s, %(value_m)s, %(previous_m)s, %(source)s, %(author)s,
        %(issued_at)s, %(expires_at)s, %(counter)s, %(owner_token)s, %(lease_s)s, %(key_id)s,
        %(emergency)s, %(witness_sequence)s, %(witness_hash)s);

-- name: finish_command
-- The outcome of a command that has none.
UPDATE command SET state = %(state)s, detail = %(detail)s, readback_m = %(readback_m)s, finished_at = %(at)s
WHERE command_id = %(command_id)s AND state = 'pending'
RETURNING gateway;

-- name: pending
-- Commands without an outcome, oldest first.
SELECT command_id, actuator, gateway, device, field, value_m, previous_m, source, author, issued_at, expires_at, counter, owner_token,
       lease_s, key_id, emergency, witness_sequence, witness_hash
FROM command WHERE state = 'pending' ORDER BY issued_at, gateway, counter;

-- name: commands
-- Commands with their outcome, newest first.
SELECT command_id, actuator, gateway, device, field, value_m, previous_m, source, author, issued_at, expires_at, counter, owner_token,
       lease_s, key_id, emergency, witness_sequence, witness_hash, state, detail, readback_m, finished_at
FROM command
WHERE %(actuator)s::text IS NULL OR actuator = %(actuator)s
ORDER BY issued_at DESC, counter DESC LIMIT %(limit)s;

-- name: ordered
-- Whether an order, or the end of the lease of the last one, may have moved an actuator in a span. A week is longer than any lease.
SELECT EXISTS (
    SELECT FROM command c
    WHERE c.actuator = %(actuator)s AND c.state NOT IN ('refused', 'expired')
      AND c.issued_at >= %(since)s - make_interval(days => 7) AND c.issued_at < %(until)s
      AND (
        (c.issued_at >= %(since)s AND c.source <> 'renewal' AND c.previous_m IS DISTINCT FROM c.value_m)
        OR (
            c.issued_at + make_interval(secs => c.lease_s) >= %(since)s AND c.issued_at + make_interval(secs => c.lease_s) < %(until)s
            AND NOT EXISTS (
                SELECT FROM command n
                WHERE n.actuator = c.actuator AND n.state NOT IN ('refused', 'expired')
                  AND n.issued_at > c.issued_at AND n.issued_at <= c.issued_at + make_interval(secs => c.lease_s)
            )
        )
      )
);

-- name: modes
-- Mode and owner of each actuator that has one.
SELECT actuator, mode, until, owner, owner_token, returns_to FROM actuator_mode;

-- name: set_mode
-- Mode and owner; an older owner never comes back after a newer one.
INSERT INTO actuator_mode AS m (actuator, mode, until, owner, owner_token, returns_to)
VALUES (%(actuator)s, %(mode)s, %(until)s, %(owner)s, %(owner_token)s, %(returns_to)s)
ON CONFLICT (actuator) DO UPDATE SET
    mode = excluded.mode, until = excluded.until, owner = excluded.owner, owner_token = excluded.owner_token,
    returns_to = excluded.returns_to
    WHERE m.owner_token <= excluded.owner_token
RETURNING actuator;

-- name: insert_anchor
-- A signed anchor of the audit chain; the same one twice is one.
INSERT INTO audit_anchor (sequence, document, signature, key_id) VALUES (%(sequence)s, %(document)s, %(signature)s, %(key_id)s)
ON CONFLICT (sequence) DO NOTHING;

-- name: anchors
-- Every anchor, ascending.
SELECT document, signature, key_id FROM audit_anchor ORDER BY sequence;

-- name: issued_without_audit
-- Commands whose audit row is gone.
SELECT c.command_id, c.gateway, c.counter FROM command c
WHERE NOT EXISTS (SELECT FROM audit a WHERE a.action = 'command.issued' AND a.body->>'command_id' = c.command_id)
ORDER BY c.issued_at LIMIT 10;
