-- The outbox of notices: filled in the transaction of the alert's change, emptied by the sender.
SET LOCAL ROLE khettara_migrate;

CREATE TABLE notice (
    key         text PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('raised', 'escalated', 'returned', 'test')),
    recipient   text NOT NULL,
    language    text NOT NULL,
    priority    text NOT NULL,
    alert       text REFERENCES alert (key),
    raised_at   timestamptz,
    due_at      timestamptz NOT NULL,
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'cancelled', 'failed')),
    attempts    integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL,
    sent_at     timestamptz,
    error       text,
    acked_at    timestamptz
);
CREATE INDEX notice_open ON notice (next_try_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX notice_alert ON notice (alert, recipient);

GRANT SELECT, INSERT, UPDATE ON notice TO khettara_command, khettara_analytics;
