-- What crews are sent to do, and what they say from the place.
SET LOCAL ROLE khettara_migrate;

CREATE TABLE work_order (
    key         text PRIMARY KEY,
    alert       text NOT NULL REFERENCES alert (key),
    zone        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'on_site', 'repaired', 'verified')),
    created_at  timestamptz NOT NULL,
    created_by  text NOT NULL,
    updated_at  timestamptz NOT NULL,
    repaired_at timestamptz,
    reopened    integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX work_order_open ON work_order (alert) WHERE state <> 'verified';
COMMENT ON INDEX work_order_open IS 'One open order for one alert.';

CREATE TABLE crew_report (
    key        text PRIMARY KEY,
    work_order text NOT NULL REFERENCES work_order (key),
    kind       text NOT NULL CHECK (kind IN ('on_site', 'repaired', 'note')),
    said_at    timestamptz NOT NULL,
    taken_at   timestamptz NOT NULL DEFAULT now(),
    said_by    text NOT NULL,
    note       text NOT NULL
);
CREATE INDEX crew_report_order ON crew_report (work_order, said_at);
COMMENT ON COLUMN crew_report.key IS 'Made on the telephone: one sent again is the same one.';

GRANT SELECT, INSERT, UPDATE ON work_order TO khettara_command;
GRANT SELECT, INSERT ON crew_report TO khettara_command;
GRANT SELECT ON work_order, crew_report TO khettara_analytics;

CREATE VIEW v_work_order AS
SELECT w.key AS work_order, w.alert, w.zone, w.state, w.created_at, w.created_by, w.updated_at, w.repaired_at, w.reopened, a.code, a.finding
FROM work_order w JOIN alert a ON a.key = w.alert;
GRANT SELECT ON v_work_order TO khettara_read, khettara_analytics, khettara_command;
