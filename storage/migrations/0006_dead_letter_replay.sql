-- Dead letters can come back: when they were replayed, and the moment at which their message was received.

SET LOCAL ROLE khettara_migrate;

ALTER TABLE dead_letter ADD COLUMN received_at timestamptz, ADD COLUMN replayed_at timestamptz;
COMMENT ON COLUMN dead_letter.at IS 'Time of the commit by the database server''s own clock.';
COMMENT ON COLUMN dead_letter.received_at IS 'When the ingestor received the message, by its own clock: a replay judges device clocks by it.';
COMMENT ON COLUMN dead_letter.replayed_at IS 'Since when the letter is replayed: what could still not be stored of it has letters of its own. NULL while open.';
COMMENT ON COLUMN ledger.dead IS 'Numbers that are dead letters. Always: the sum over the open letters of the stream; a replay moves numbers from here to stored.';
CREATE INDEX dead_letter_open ON dead_letter (edge, epoch, first, last) WHERE replayed_at IS NULL;

GRANT UPDATE (replayed_at) ON dead_letter TO khettara_ingest;

CREATE OR REPLACE VIEW v_dead_letter AS
SELECT at, edge, reason, detail, topic, payload_size, epoch, first, last, received_at, replayed_at FROM dead_letter;

CREATE OR REPLACE VIEW v_gateway AS
WITH seen AS (
    SELECT edge FROM gateway UNION SELECT edge FROM gateway_state UNION SELECT edge FROM ledger
), delivered AS (
    SELECT l.edge, sum(l.stored)::int8 AS stored, sum(l.repeated)::int8 AS repeated, sum(l.dead)::int8 AS dead, max(l.newest) AS newest,
           max(l.updated_at) AS updated_at, sum(n.numbers)::int8 AS committed,
           sum(coalesce(upper(l.committed) - 1, 0) - n.numbers)::int8 AS missing
    FROM ledger l
    CROSS JOIN LATERAL (SELECT coalesce(sum(upper(r) - lower(r)), 0) AS numbers FROM unnest(l.committed) r) n
    GROUP BY l.edge
), lost AS (
    SELECT d.edge, count(*) AS letters FROM dead_letter d WHERE d.epoch IS NULL AND d.replayed_at IS NULL GROUP BY d.edge
)
SELECT s.edge, coalesce(g.name, s.edge) AS name, coalesce(t.online, false) AS online, t.since, d.newest AS last_block_at,
       coalesce(d.stored, 0) AS rows_stored, coalesce(d.repeated, 0) AS rows_repeated,
       coalesce(d.dead, 0) + coalesce(x.letters, 0) AS dead_letters,
       coalesce(d.committed, 0) AS committed, coalesce(d.missing, 0) AS missing, d.updated_at AS written_at
FROM seen s
LEFT JOIN gateway g USING (edge)
LEFT JOIN gateway_state t USING (edge)
LEFT JOIN delivered d USING (edge)
LEFT JOIN lost x USING (edge);
