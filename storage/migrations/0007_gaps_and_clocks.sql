-- Gap records arrive by the road of the readings; what a device said of the time, where it was not believed, is kept apart.

SET LOCAL ROLE khettara_migrate;

ALTER TABLE ledger ADD COLUMN dropped bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ledger.dropped IS 'Numbers the gateway says it had to drop. Always: numbers in committed = stored + repeated + dead + dropped.';

ALTER TABLE gap_record
    ADD COLUMN from_time timestamptz,
    ADD COLUMN to_time timestamptz,
    ADD COLUMN points jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN received_at timestamptz NOT NULL DEFAULT now(),
    ALTER COLUMN last DROP NOT NULL;
COMMENT ON TABLE gap_record IS 'Readings that will never come: what a gateway says it had to drop, and old spools it does not have any more.';
COMMENT ON COLUMN gap_record.last IS 'NULL where nobody can say: the gateway began a new spool (reason new_spool), what the old one still held is gone.';
COMMENT ON COLUMN gap_record.reason IS
    'spool_full: no room; damaged: unreadable on the disk; purged: let go by the gateway, forgotten by a restored database; new_spool.';
COMMENT ON COLUMN gap_record.at IS 'When they were dropped, by the gateway''s clock.';
COMMENT ON COLUMN gap_record.from_time IS 'Oldest observation among them; for new_spool the newest that had arrived.';
COMMENT ON COLUMN gap_record.to_time IS 'Newest observation among them; NULL where it is not known.';
COMMENT ON COLUMN gap_record.points IS '[[device, metric, readings], ...] of the dropped blocks; empty names where nobody knows.';
COMMENT ON COLUMN gap_record.received_at IS 'Time of the commit by the database server''s own clock.';
GRANT UPDATE ON gap_record TO khettara_ingest;

CREATE VIEW v_gap AS
SELECT g.edge, g.epoch, g.first, g.last, g.last - g.first + 1 AS readings, g.reason, g.at, g.from_time, g.to_time, g.received_at,
       (SELECT string_agg(DISTINCT p ->> 0, ', ' ORDER BY p ->> 0) FROM jsonb_array_elements(g.points) p WHERE p ->> 0 <> '') AS devices,
       g.points
FROM gap_record g;
COMMENT ON VIEW v_gap IS 'Readings that will never come, newest last.';

CREATE TABLE clock_note (
    point_id    int4        NOT NULL,
    time        timestamptz NOT NULL,
    device_ms   bigint      NOT NULL,
    edge        text        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (point_id, time)
);
COMMENT ON TABLE clock_note IS 'What the device said the time was, for readings whose time was not believed (quality 4).';
COMMENT ON COLUMN clock_note.device_ms IS 'Milliseconds since 1970 UTC as the device said; negative where it said none.';
CREATE INDEX clock_note_received ON clock_note (received_at);
GRANT SELECT, INSERT ON clock_note TO khettara_ingest;
GRANT SELECT ON clock_note TO khettara_analytics, khettara_command;

CREATE VIEW v_clock_note AS
SELECT p.key AS point, c.time, c.device_ms, c.edge, c.received_at FROM clock_note c JOIN point p USING (point_id);

GRANT SELECT ON v_gap, v_clock_note TO khettara_read, khettara_analytics, khettara_command;
