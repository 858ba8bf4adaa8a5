-- name: add
-- A notice into the outbox; the same one again is no other.
INSERT INTO notice (key, kind, recipient, language, priority, alert, raised_at, due_at, next_try_at)
VALUES (%(key)s, %(kind)s, %(recipient)s, %(language)s, %(priority)s, %(alert)s, %(raised_at)s, %(due_at)s, %(due_at)s)
ON CONFLICT (key) DO NOTHING;

-- name: cancel
-- Somebody has looked, or it is over: what has not left yet stays.
UPDATE notice SET state = 'cancelled'
WHERE alert = %(alert)s AND kind IN ('raised', 'escalated') AND state IN ('waiting', 'sending') AND attempts = 0;

-- name: cancel_untold
-- The end is told to those alone who were told of the beginning, or of what went behind it, or may have been: a sender that died
-- leaves what it had in hand as sending.
UPDATE notice AS n SET state = 'cancelled'
WHERE n.state = 'waiting' AND n.kind = 'returned' AND n.next_try_at <= %(now)s AND NOT EXISTS (
    SELECT FROM notice AS told
    WHERE (told.alert = n.alert OR told.alert IN (SELECT key FROM alert WHERE parent = n.alert))
      AND told.recipient = n.recipient AND told.kind IN ('raised', 'escalated')
      AND (told.state IN ('sent', 'sending') OR (told.state = 'waiting' AND told.attempts > 0))
);

-- name: claim
-- The most urgent that are due, marked as on their way until ``again``; one whose sender died comes up again then.
UPDATE notice SET state = 'sending', attempts = attempts + 1, next_try_at = %(again)s
WHERE key IN (
    SELECT key FROM notice
    WHERE state IN ('waiting', 'sending') AND next_try_at <= %(now)s
    ORDER BY priority = 'high' DESC, due_at, key
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING key, kind, recipient, language, due_at, priority, alert, raised_at, attempts;

-- name: sent
-- It has arrived.
UPDATE notice SET state = 'sent', sent_at = %(at)s, error = NULL WHERE key = %(key)s;

-- name: not_sent
-- It has not: again later, or never.
UPDATE notice SET state = %(state)s, next_try_at = %(again)s, error = %(error)s WHERE key = %(key)s;

-- name: acknowledge
-- The recipient has seen it.
UPDATE notice SET acked_at = coalesce(acked_at, %(at)s) WHERE key = %(key)s;

-- name: unanswered
-- Tests that were sent and that nobody has acknowledged, and those that were, newest of each recipient.
SELECT DISTINCT ON (recipient) recipient, due_at, sent_at, acked_at FROM notice
WHERE kind = 'test' AND state = 'sent' ORDER BY recipient, due_at DESC;
