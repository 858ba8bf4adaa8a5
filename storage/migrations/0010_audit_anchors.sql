-- Signed anchors of the audit chain, and what a command says of it and of emergencies.

SET LOCAL ROLE khettara_migrate;

ALTER TABLE command
    ADD COLUMN emergency boolean NOT NULL DEFAULT false,
    ADD COLUMN witness_sequence bigint,
    ADD COLUMN witness_hash text CHECK (length(witness_hash) = 64),
    ADD CHECK ((witness_sequence IS NULL) = (witness_hash IS NULL));
COMMENT ON COLUMN command.emergency IS 'Given in a confirmed emergency: the edge allows the larger rise.';
COMMENT ON COLUMN command.witness_hash IS 'Hash of audit row witness_sequence, the end of the chain when the command was signed; it lies in the gateway''s journal too.';

CREATE TABLE audit_anchor (
    sequence  bigint PRIMARY KEY CHECK (sequence > 0),
    document  bytea NOT NULL,
    signature bytea NOT NULL CHECK (length(signature) = 64),
    key_id    text  NOT NULL
);
COMMENT ON TABLE audit_anchor IS 'Ed25519 over document (canonical JSON: sequence, hash, at, previous). Copies lie beside the centre''s key and wherever the utility puts them.';
CREATE TRIGGER audit_anchor_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

GRANT SELECT, INSERT ON audit_anchor TO khettara_command;
