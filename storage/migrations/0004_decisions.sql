-- What is believed, asked, ordered and done; and the audit chain over all that moves something.

SET LOCAL ROLE khettara_migrate;

CREATE TABLE finding (
    key            text PRIMARY KEY,
    kind           text NOT NULL,
    zone           text NOT NULL,
    detector       text NOT NULL,
    since          timestamptz NOT NULL,
    found_at       timestamptz NOT NULL,
    flow_m3h       float8 NOT NULL,
    flow_error_m3h float8 NOT NULL,
    confidence     float8 NOT NULL,
    open           boolean NOT NULL,
    evidence       jsonb NOT NULL
);
CREATE INDEX finding_open ON finding (since) WHERE open;

CREATE TABLE alert (
    key             text PRIMARY KEY,
    code            text NOT NULL,
    zone            text,
    priority        text NOT NULL,
    state           text NOT NULL,
    raised_at       timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    parameters      jsonb NOT NULL,
    finding         text,
    acknowledged_by text,
    shelved_until   timestamptz,
    shelved_reason  text
);
CREATE INDEX alert_raised ON alert (raised_at DESC);

CREATE TABLE alert_log (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert    text NOT NULL REFERENCES alert (key),
    at       timestamptz NOT NULL,
    actor    text NOT NULL,
    action   text NOT NULL,
    state    text NOT NULL,
    priority text NOT NULL
);
CREATE INDEX alert_log_alert ON alert_log (alert, id);

CREATE TABLE proposal (
    proposal_id text PRIMARY KEY,
    actuator    text   NOT NULL,
    value_m     float8 NOT NULL,
    source      text   NOT NULL,
    author      text   NOT NULL,
    created_at  timestamptz NOT NULL,
    reason      text   NOT NULL,
    refusals    jsonb  NOT NULL,
    effect      jsonb
);
CREATE INDEX proposal_created ON proposal (created_at DESC);

CREATE TABLE command (
    command_id  text PRIMARY KEY,
    actuator    text   NOT NULL,
    gateway     text   NOT NULL,
    device      text   NOT NULL,
    field       text   NOT NULL,
    value_m     float8 NOT NULL,
    previous_m  float8,
    source      text   NOT NULL,
    author      text   NOT NULL,
    issued_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    counter     bigint NOT NULL,
    owner_token bigint NOT NULL,
    lease_s     float8 NOT NULL,
    key_id      text   NOT NULL,
    state       text   NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'verified', 'refused', 'expired', 'failed', 'unknown')),
    detail      text   NOT NULL DEFAULT '',
    readback_m  float8,
    finished_at timestamptz,
    UNIQUE (gateway, counter),
    CHECK ((state = 'pending') = (finished_at IS NULL))
);
CREATE INDEX command_actuator ON command (actuator, issued_at DESC);
CREATE INDEX command_issued ON command (issued_at DESC);
CREATE INDEX command_pending ON command (issued_at) WHERE state = 'pending';

CREATE TABLE command_counter (
    gateway text PRIMARY KEY,
    counter bigint NOT NULL
);

CREATE TABLE actuator_mode (
    actuator    text PRIMARY KEY,
    mode        text NOT NULL,
    until       timestamptz,
    owner       text NOT NULL,
    owner_token bigint NOT NULL,
    returns_to  text NOT NULL  -- the mode after a manual one has ended
);

CREATE TABLE audit (
    sequence      bigint PRIMARY KEY CHECK (sequence > 0),
    at            timestamptz NOT NULL,
    actor         text  NOT NULL,
    action        text  NOT NULL,
    subject       text  NOT NULL,
    body          json  NOT NULL,
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash          bytea NOT NULL CHECK (length(hash) = 32)
);
COMMENT ON TABLE audit IS 'Append-only; each hash covers the row and the hash before it. body is json, not jsonb, to keep its text exactly.';
CREATE INDEX audit_subject ON audit (subject, sequence);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

CREATE TABLE app_user (
    name          text PRIMARY KEY,
    role          text   NOT NULL CHECK (role IN ('viewer', 'operator', 'supervisor', 'admin')),
    zones         text[] NOT NULL,
    language      text   NOT NULL,
    password_hash text   NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON finding, alert TO khettara_analytics;
GRANT SELECT, INSERT ON alert_log TO khettara_analytics;
GRANT SELECT ON proposal, command, actuator_mode TO khettara_analytics;
GRANT SELECT, INSERT, UPDATE ON alert, proposal, command, command_counter, actuator_mode, app_user TO khettara_command;
GRANT SELECT, INSERT ON alert_log, audit TO khettara_command;
GRANT SELECT ON finding TO khettara_command;
