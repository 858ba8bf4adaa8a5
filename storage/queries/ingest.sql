-- name: channels
-- Every channel that has ever been valid, as the ingestor resolves metrics.
SELECT c.edge, c.device, c.metric, c.point_id, p.key, p.resolution::float8, p.low, p.high,
       (extract(epoch FROM c.valid_from) * 1000)::int8, (extract(epoch FROM c.valid_to) * 1000)::int8
FROM channel c JOIN point p USING (point_id)
ORDER BY c.edge, c.device, c.metric, c.valid_from NULLS FIRST;

-- name: bindings
-- Every alias binding of every birth.
SELECT edge, epoch, alias, device, metric, datatype FROM alias_binding;

-- name: save_bindings
-- Keeps bindings; the same binding again changes nothing.
INSERT INTO alias_binding AS b (edge, epoch, alias, device, metric, datatype)
SELECT DISTINCT ON (1, 2, 3) *
FROM unnest(%(edges)s::text[], %(epochs)s::int8[], %(aliases)s::int8[], %(devices)s::text[], %(metrics)s::text[], %(datatypes)s::int4[])
ORDER BY 1, 2, 3
ON CONFLICT (edge, epoch, alias) DO UPDATE
    SET device = excluded.device, metric = excluded.metric, datatype = excluded.datatype
    WHERE (b.device, b.metric, b.datatype) IS DISTINCT FROM (excluded.device, excluded.metric, excluded.datatype);

-- name: gateway_state
-- Notes birth or death of a gateway; news older than what is known is ignored.
INSERT INTO gateway_state AS g (edge, online, since, updated_at) VALUES (%(edge)s, %(online)s, %(at)s, %(at)s)
ON CONFLICT (edge) DO UPDATE
    SET online = excluded.online,
        since = CASE WHEN g.online = excluded.online THEN g.since ELSE excluded.since END,
        updated_at = excluded.updated_at
    WHERE excluded.updated_at >= g.updated_at;

-- name: ensure_partitions
-- Partitions for the weeks of these times; TimescaleDB needs none.
SELECT ensure_reading_partitions(t, t) FROM unnest(%(times)s::timestamptz[]) AS t;

-- name: ensure_ledger
-- Ledger rows of streams seen for the first time.
INSERT INTO ledger (edge, epoch)
SELECT * FROM unnest(%(edges)s::text[], %(epochs)s::int8[])
ON CONFLICT DO NOTHING
RETURNING edge, epoch;

-- name: lock_ledger
-- Committed numbers of some streams, locked in one order until the end of the transaction.
SELECT edge, epoch, committed FROM ledger
WHERE (edge, epoch) IN (SELECT * FROM unnest(%(edges)s::text[], %(epochs)s::int8[]))
ORDER BY edge, epoch
FOR UPDATE;

-- name: read_ledger
-- Committed numbers of some streams.
SELECT edge, epoch, committed FROM ledger
WHERE (edge, epoch) IN (SELECT * FROM unnest(%(edges)s::text[], %(epochs)s::int8[]));

-- name: save_ledger
-- New committed numbers and counts of streams locked in this transaction.
UPDATE ledger l
SET committed = n.committed, stored = l.stored + n.stored, repeated = l.repeated + n.repeated, dead = l.dead + n.dead,
    dropped = l.dropped + n.dropped, newest = greatest(l.newest, n.newest), updated_at = now()
FROM (
    SELECT edge, epoch, committed::int8multirange, stored, repeated, dead, dropped, newest
    FROM unnest(%(edges)s::text[], %(epochs)s::int8[], %(committed)s::text[], %(stored)s::int8[], %(repeated)s::int8[],
                %(dead)s::int8[], %(dropped)s::int8[], %(newest)s::timestamptz[])
        AS t (edge, epoch, committed, stored, repeated, dead, dropped, newest)
) n
WHERE (l.edge, l.epoch) = (n.edge, n.epoch);

-- name: copy_readings
-- The fast road: straight into the table.
COPY reading (time, value, point_id, quality) FROM STDIN (FORMAT BINARY);

-- name: create_stage
-- The careful road: a table of this session, emptied at each commit.
CREATE TEMPORARY TABLE IF NOT EXISTS reading_stage (
    time timestamptz NOT NULL, value int8, point_id int4 NOT NULL, quality int2 NOT NULL, place int4 NOT NULL
) ON COMMIT DELETE ROWS;

-- name: copy_stage
-- Rows with their places.
COPY reading_stage (time, value, point_id, quality, place) FROM STDIN (FORMAT BINARY);

-- name: insert_staged
-- Inserts what is not there yet; returns the places of the rows that were.
WITH inserted AS (
    INSERT INTO reading (time, value, point_id, quality)
    SELECT time, value, point_id, quality FROM reading_stage
    ON CONFLICT DO NOTHING
    RETURNING point_id, time
)
SELECT s.place FROM reading_stage s
WHERE NOT EXISTS (SELECT FROM inserted i WHERE i.point_id = s.point_id AND i.time = s.time);

-- name: staged_conflicts
-- Staged rows whose point and time hold something else. OFFSET 0 keeps it one index look-up a row, whatever the planner believes.
SELECT s.place, r.value, r.quality
FROM reading_stage s
CROSS JOIN LATERAL (
    SELECT value, quality FROM reading WHERE reading.point_id = s.point_id AND reading.time = s.time OFFSET 0
) r
WHERE (r.value, r.quality) IS DISTINCT FROM (s.value, s.quality);

-- name: insert_dead_letter
-- Keeps one letter.
INSERT INTO dead_letter (edge, reason, detail, topic, payload, payload_size, payload_sha256, epoch, first, last,
                         point_id, time, value, kept_value, received_at)
VALUES (%(edge)s, %(reason)s, %(detail)s, %(topic)s, %(payload)s, %(payload_size)s, %(payload_sha256)s, %(epoch)s, %(first)s,
        %(last)s, %(point_id)s, %(time)s, %(value)s, %(kept_value)s, %(received_at)s);
