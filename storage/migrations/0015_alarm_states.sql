-- All states of ISA-18.2: what an alarm is a child of, whether its condition is there, who keeps it back, why and until when.
SET LOCAL ROLE khettara_migrate;

ALTER TABLE alert
    ADD COLUMN since           timestamptz,
    ADD COLUMN active          boolean NOT NULL DEFAULT true,
    ADD COLUMN flow_m3h        float8,
    ADD COLUMN parent          text REFERENCES alert (key) DEFERRABLE INITIALLY DEFERRED,
    ADD COLUMN areas           text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN withheld_by     text,
    ADD COLUMN withheld_reason text,
    ADD COLUMN withheld_until  timestamptz;
UPDATE alert SET since = raised_at, active = state NOT IN ('normal', 'returned_unacknowledged');
CREATE INDEX alert_parent ON alert (parent) WHERE parent IS NOT NULL;
CREATE INDEX alert_open ON alert (raised_at DESC) WHERE state <> 'normal';
COMMENT ON COLUMN alert.active IS 'Whether the condition is there now, whatever people have done about the alarm.';
COMMENT ON COLUMN alert.parent IS 'The alarm that accounts for this one.';

ALTER TABLE alert_log
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD COLUMN parent text;
CREATE INDEX alert_log_at ON alert_log (at);

CREATE TABLE alert_withholding (
    key       text PRIMARY KEY,
    kind      text NOT NULL CHECK (kind IN ('maintenance', 'flushing', 'out_of_service')),
    zone      text,
    code      text,
    subject   text,
    made_by   text NOT NULL,
    reason    text NOT NULL CHECK (reason <> ''),
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL,
    made_at   timestamptz NOT NULL DEFAULT now(),
    CHECK (ends_at >= starts_at)
);
CREATE INDEX alert_withholding_end ON alert_withholding (ends_at);
COMMENT ON TABLE alert_withholding IS 'Plans by which alarms are kept back. One that is ended early has its end moved; none is deleted.';
GRANT SELECT, INSERT, UPDATE ON alert_withholding TO khettara_command;
GRANT SELECT ON alert_withholding TO khettara_analytics;

CREATE OR REPLACE VIEW v_alert AS
SELECT a.key AS alert, a.code, a.zone, a.priority, a.state, a.raised_at, a.updated_at, a.parameters, a.finding, a.acknowledged_by,
       a.shelved_until, a.shelved_reason, a.state NOT IN ('normal', 'suppressed', 'out_of_service') AS open,
       coalesce(f.flow_m3h, a.flow_m3h) AS flow_m3h, a.since, a.active, a.parent, a.areas, a.withheld_by, a.withheld_reason,
       a.withheld_until
FROM alert a LEFT JOIN finding f ON f.key = a.finding;
COMMENT ON COLUMN v_alert.open IS 'Not closed, and not kept back by design: a child stands behind its parent.';

CREATE VIEW v_alert_annunciation AS
SELECT l.at, l.alert, a.code, a.zone, l.priority, l.action
FROM alert_log l JOIN alert a ON a.key = l.alert
WHERE l.state = 'unacknowledged' AND l.action IN ('raised', 'worsened', 'explained', 'unshelved', 'unsuppressed', 'putback');
COMMENT ON VIEW v_alert_annunciation IS 'Each time an operator was made to look: what EEMUA 191 counts.';
GRANT SELECT ON v_alert_annunciation TO khettara_read, khettara_analytics, khettara_command;
