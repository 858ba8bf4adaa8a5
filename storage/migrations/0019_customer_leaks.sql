-- Leaks behind customers' meters: what is believed, and what the watch of the meters remembers between two looks. Apart from findings:
-- nothing that adds up the utility's losses can count a customer's water by mistake.

SET LOCAL ROLE khettara_migrate;

CREATE TABLE customer_finding (
    key         text PRIMARY KEY,
    meter       text NOT NULL,
    zone        text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('continuous', 'sudden')),
    since       timestamptz NOT NULL,
    found_at    timestamptz NOT NULL,
    flow_m3h    float8 NOT NULL CHECK (flow_m3h >= 0),
    usual_m3h   float8 NOT NULL,
    lasted_h    int NOT NULL,
    seen_at     timestamptz NOT NULL,
    ended_at    timestamptz,
    reopened    int NOT NULL DEFAULT 0,
    notes       text[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE customer_finding IS 'Flow behind a customer''s meter that does not stop: the customer''s water, no loss of the utility.';
-- One leak, one finding: a meter has one open at a time.
CREATE UNIQUE INDEX customer_finding_open ON customer_finding (meter) WHERE ended_at IS NULL;
CREATE INDEX customer_finding_ended ON customer_finding (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE customer_watch (
    part      int PRIMARY KEY,
    looked_at timestamptz NOT NULL,
    meters    text[] NOT NULL,
    state     bytea NOT NULL
);
COMMENT ON TABLE customer_watch IS 'What the watch of some meters remembers after the look at looked_at; saved with the findings of that look.';
-- It is packed already.
ALTER TABLE customer_watch ALTER COLUMN state SET STORAGE EXTERNAL;

GRANT SELECT, INSERT, UPDATE ON customer_finding TO khettara_analytics;
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_watch TO khettara_analytics;
-- No grant to readers: what runs in a customer's house is shown in the console alone, to people with a name.
GRANT SELECT ON customer_finding TO khettara_command;

-- Readers see the network's alarms; those of the customers' desk name meters, and no operator is made to look by them.
CREATE OR REPLACE VIEW v_alert AS
SELECT a.key AS alert, a.code, a.zone, a.priority, a.state, a.raised_at, a.updated_at, a.parameters, a.finding, a.acknowledged_by,
       a.shelved_until, a.shelved_reason, a.state NOT IN ('normal', 'suppressed', 'out_of_service') AS open,
       coalesce(f.flow_m3h, a.flow_m3h) AS flow_m3h, a.since, a.active, a.parent, a.areas, a.withheld_by, a.withheld_reason,
       a.withheld_until
FROM alert a LEFT JOIN finding f ON f.key = a.finding
WHERE a.code NOT LIKE 'customer.%';

CREATE OR REPLACE VIEW v_alert_annunciation AS
SELECT l.at, l.alert, a.code, a.zone, l.priority, l.action
FROM alert_log l JOIN alert a ON a.key = l.alert
WHERE l.state = 'unacknowledged' AND l.action IN ('raised', 'worsened', 'explained', 'unshelved', 'unsuppressed', 'putback')
  AND a.code NOT LIKE 'customer.%';
