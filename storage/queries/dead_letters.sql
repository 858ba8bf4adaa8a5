-- name: summary
-- Open letters by reason and edge, the newest first; a letter without bytes belongs to the message of the letter before it.
WITH open AS (
    SELECT *, max(id) FILTER (WHERE payload_size > 0) OVER (PARTITION BY edge, topic, epoch, at ORDER BY id) AS message
    FROM dead_letter WHERE replayed_at IS NULL
)
SELECT o.reason, o.edge, count(*), sum(coalesce(o.last - o.first + 1, 1))::int8,
       count(*) FILTER (WHERE o.point_id IS NULL AND m.payload_size = octet_length(m.payload)),
       min(coalesce(o.received_at, o.at)), max(coalesce(o.received_at, o.at)), (array_agg(o.detail ORDER BY o.id DESC))[1]
FROM open o LEFT JOIN dead_letter m ON m.id = o.message
WHERE (%(reason)s::text IS NULL OR o.reason = %(reason)s) AND (%(edge)s::text IS NULL OR o.edge = %(edge)s)
  AND (%(since)s::timestamptz IS NULL OR coalesce(o.received_at, o.at) >= %(since)s)
GROUP BY o.reason, o.edge
ORDER BY max(o.id) DESC;

-- name: messages
-- Messages with at least one open letter that is asked for: number of the letter that holds the bytes, and every open letter.
-- Where no bytes are kept each letter stands alone, without a message.
WITH open AS (
    SELECT id, edge, epoch, reason, detail, first, last,
           (%(reason)s::text IS NULL OR reason = %(reason)s) AND (%(edge)s::text IS NULL OR edge = %(edge)s)
               AND (%(since)s::timestamptz IS NULL OR coalesce(received_at, at) >= %(since)s) AS asked,
           CASE WHEN point_id IS NULL THEN
               max(id) FILTER (WHERE payload_size > 0) OVER (PARTITION BY edge, topic, epoch, at ORDER BY id)
           END AS message
    FROM dead_letter WHERE replayed_at IS NULL
)
SELECT message, edge, epoch, array_agg(id ORDER BY id), array_agg(reason ORDER BY id), array_agg(detail ORDER BY id),
       array_agg(first ORDER BY id), array_agg(last ORDER BY id)
FROM open
GROUP BY message, edge, epoch, CASE WHEN message IS NULL THEN id END
HAVING bool_or(asked)
ORDER BY min(id);

-- name: message
-- The bytes of a message and what is known of them.
SELECT topic, payload, payload_size, payload_sha256, (extract(epoch FROM coalesce(received_at, at)) * 1000)::int8
FROM dead_letter WHERE id = %(id)s;

-- name: claim
-- Marks open letters as replayed, and returns their numbers.
UPDATE dead_letter SET replayed_at = now() WHERE id = ANY (%(ids)s::int8[]) AND replayed_at IS NULL RETURNING first, last;

-- name: dead_by_letters
-- How many numbers of a stream its open letters cover, and how many its ledger counts as dead.
SELECT (SELECT coalesce(sum(last - first + 1), 0)::int8 FROM dead_letter
        WHERE (edge, epoch) = (%(edge)s, %(epoch)s) AND replayed_at IS NULL),
       (SELECT dead FROM ledger WHERE (edge, epoch) = (%(edge)s, %(epoch)s));
