-- name: add
-- A complaint; the same again is no other.
INSERT INTO complaint (key, kind, noticed_at, taken_at, taken_by, zone, x, y, address, text, phone)
VALUES (%(key)s, %(kind)s, %(noticed_at)s, %(taken_at)s, %(taken_by)s, %(zone)s, %(x)s, %(y)s, %(address)s, %(text)s, %(phone)s)
ON CONFLICT (key) DO NOTHING;

-- name: complaints
-- Complaints noticed since, of one zone or of all, newest first.
SELECT key, kind, noticed_at, taken_at, taken_by, zone, x, y, address, text, phone FROM complaint
WHERE noticed_at >= %(since)s AND (%(zone)s::text IS NULL OR zone = %(zone)s) ORDER BY noticed_at DESC, key LIMIT %(limit)s;

-- name: forget
-- Callers' numbers of complaints taken before are forgotten.
UPDATE complaint SET phone = NULL WHERE phone IS NOT NULL AND taken_at < %(before)s;
