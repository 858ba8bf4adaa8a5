-- Complaints of customers, photographs of crews, and the night flows that prove a repair.
SET LOCAL ROLE khettara_migrate;

CREATE TABLE complaint (
    key        text PRIMARY KEY,
    kind       text NOT NULL
               CHECK (kind IN ('no_water', 'low_pressure', 'wet_street', 'noise', 'dirty_water', 'high_bill', 'other')),
    noticed_at timestamptz NOT NULL,
    taken_at   timestamptz NOT NULL,
    taken_by   text NOT NULL,
    zone       text,
    x          float8,
    y          float8,
    address    text NOT NULL,
    text       text NOT NULL,
    phone      text,
    CHECK ((x IS NULL) = (y IS NULL)),
    CHECK (zone IS NOT NULL OR x IS NOT NULL OR address <> '')
);
CREATE INDEX complaint_noticed ON complaint (noticed_at);
CREATE INDEX complaint_phone ON complaint (taken_at) WHERE phone IS NOT NULL;
COMMENT ON COLUMN complaint.phone IS 'Forgotten after [complaints] phone_days; no view shows it.';
COMMENT ON COLUMN complaint.x IS 'Place on the network''s own map [m].';

CREATE TABLE order_photo (
    key         text PRIMARY KEY,
    work_order  text NOT NULL REFERENCES work_order (key),
    taken_at    timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    taken_by    text NOT NULL,
    media_type  text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    width       integer NOT NULL CHECK (width > 0),
    height      integer NOT NULL CHECK (height > 0),
    content     bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 2097152)
);
CREATE INDEX order_photo_order ON order_photo (work_order, taken_at);
ALTER TABLE order_photo ALTER COLUMN content SET STORAGE EXTERNAL;
COMMENT ON COLUMN order_photo.content IS 'Without the camera''s notes (place, device); compressed by its own format, so not again.';

ALTER TABLE work_order
    ADD COLUMN night_before_m3h float8,
    ADD COLUMN night_after_m3h  float8;
COMMENT ON COLUMN work_order.night_after_m3h IS 'Minimum night flow that proved or refuted the last repair.';

GRANT SELECT, INSERT ON complaint, order_photo TO khettara_command;
GRANT UPDATE (phone) ON complaint TO khettara_command;

-- What may be counted and drawn: no number, no address, no words of the caller.
CREATE VIEW v_complaint AS SELECT key AS complaint, kind, noticed_at, zone, x, y FROM complaint;
GRANT SELECT ON v_complaint TO khettara_read, khettara_analytics, khettara_command;

CREATE OR REPLACE VIEW v_work_order AS
SELECT w.key AS work_order, w.alert, w.zone, w.state, w.created_at, w.created_by, w.updated_at, w.repaired_at, w.reopened, a.code, a.finding,
       w.night_before_m3h, w.night_after_m3h
FROM work_order w JOIN alert a ON a.key = w.alert;
