-- name: delivery
-- Rows, and what the ledgers say became of every sequence number.
SELECT (SELECT count(*) FROM reading), coalesce(sum(stored), 0)::int8, coalesce(sum(repeated), 0)::int8, coalesce(sum(dead), 0)::int8
FROM ledger;

-- name: findings
-- Every finding that was ever made, oldest first.
SELECT kind, zone, found_at FROM finding ORDER BY found_at;

-- name: alerts
-- Every alert that was ever raised, oldest first.
SELECT code, zone, raised_at FROM alert ORDER BY raised_at;

-- name: orders
-- Commands of a source by what became of them.
SELECT state, count(*) FROM command WHERE source = %(source)s GROUP BY state;

-- name: refusals
-- Proposals of a source that the desk refused.
SELECT count(*) FROM proposal WHERE source = %(source)s AND refusals::jsonb <> '[]'::jsonb;
