-- Orders that wait for a second person, and emergencies: they outlive the centre's process, and each is decided once.

SET LOCAL ROLE khettara_migrate;

CREATE TABLE approval_request (
    request_id  text PRIMARY KEY,
    actuator    text   NOT NULL,
    value_m     float8 NOT NULL,
    current_m   float8,
    owner_token bigint NOT NULL,
    author      text   NOT NULL,
    proposed_at timestamptz NOT NULL,
    reason      text   NOT NULL,
    asked_by    text   NOT NULL,
    because     jsonb  NOT NULL,
    asked_at    timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (ends_at > asked_at),
    state       text   NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'approved', 'declined', 'replaced', 'refused', 'expired')),
    decided_by  text,
    decided_at  timestamptz,
    CHECK ((state = 'waiting') = (decided_by IS NULL)),
    CHECK ((state = 'waiting') = (decided_at IS NULL)),
    CHECK (state <> 'approved' OR lower(btrim(decided_by)) <> lower(btrim(asked_by)))
);
CREATE UNIQUE INDEX approval_request_waiting ON approval_request (actuator) WHERE state = 'waiting';
CREATE INDEX approval_request_approved ON approval_request (decided_at) WHERE state = 'approved';
COMMENT ON TABLE approval_request IS 'asked_at, ends_at and decided_at are wall time. The id is that of the proposal and of the command it becomes.';

CREATE TABLE emergency (
    emergency_id text PRIMARY KEY,
    actuator     text NOT NULL,
    declared_by  text NOT NULL,
    reason       text NOT NULL,
    declared_at  timestamptz NOT NULL,
    until        timestamptz NOT NULL CHECK (until > declared_at),
    confirmed_by text,
    confirmed_at timestamptz,
    ended_by     text,
    ended_at     timestamptz,
    CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL)),
    CHECK ((ended_by IS NULL) = (ended_at IS NULL)),
    CHECK (lower(btrim(confirmed_by)) <> lower(btrim(declared_by)))
);
CREATE UNIQUE INDEX emergency_open ON emergency (actuator) WHERE ended_at IS NULL;
COMMENT ON TABLE emergency IS 'Process time. One that is past until and has no ended_at ran out by itself.';

CREATE FUNCTION decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% %: it is decided, and stays so', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER approval_request_decided_once BEFORE UPDATE ON approval_request
    FOR EACH ROW WHEN (OLD.state <> 'waiting') EXECUTE FUNCTION decided_once('request');
CREATE TRIGGER emergency_ended_once BEFORE UPDATE ON emergency
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION decided_once('emergency');

-- What was asked for cannot be changed by who decides about it.
GRANT SELECT, INSERT ON approval_request, emergency TO khettara_command;
GRANT UPDATE (state, decided_by, decided_at) ON approval_request TO khettara_command;
GRANT UPDATE (confirmed_by, confirmed_at, ended_by, ended_at) ON emergency TO khettara_command;
