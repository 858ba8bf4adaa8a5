-- The gateway's memory. One file, one writer, WAL, synchronous FULL.

CREATE TABLE IF NOT EXISTS meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- id is the Sparkplug alias: within one epoch it never changes its meaning, so rows are never deleted.
CREATE TABLE IF NOT EXISTS channel (
    id       INTEGER PRIMARY KEY,
    device   TEXT NOT NULL,
    metric   TEXT NOT NULL,
    datatype INTEGER NOT NULL,
    UNIQUE (device, metric, datatype)
);

-- Readings first..last of one device. The bytes are apart so that an acknowledgement rewrites a few bytes, not a block.
CREATE TABLE IF NOT EXISTS block (
    first      INTEGER PRIMARY KEY,
    last       INTEGER NOT NULL,
    device     TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    historical INTEGER NOT NULL,
    crc        INTEGER NOT NULL,
    acked_at   INTEGER,
    amounts    INTEGER NOT NULL DEFAULT 1  -- 1 where a register or another amount is among its readings: such a block goes last
);
CREATE TABLE IF NOT EXISTS payload (
    first    INTEGER PRIMARY KEY,
    readings BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS block_unacked ON block (first) WHERE acked_at IS NULL;
CREATE INDEX IF NOT EXISTS block_live ON block (created_ms, first) WHERE acked_at IS NULL AND historical = 0;
CREATE INDEX IF NOT EXISTS block_history ON block (first) WHERE acked_at IS NULL AND historical = 1;
CREATE INDEX IF NOT EXISTS block_acked ON block (first) WHERE acked_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS block_acked_at ON block (acked_at) WHERE acked_at IS NOT NULL;

-- Numbers that were given and can no longer be delivered: reason, oldest and newest observation, [device, metric, readings] of each point.
CREATE TABLE IF NOT EXISTS gap (
    first    INTEGER PRIMARY KEY,
    last     INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    from_ms  INTEGER,
    to_ms    INTEGER,
    points   TEXT NOT NULL DEFAULT '[]',
    acked_at INTEGER
);

-- How far an import has come, moved in the transaction of its blocks.
CREATE TABLE IF NOT EXISTS marker (
    key      TEXT PRIMARY KEY,
    progress INTEGER NOT NULL
) WITHOUT ROWID;

-- Commands by id: received, started, then exactly one outcome. Written before anything moves.
CREATE TABLE IF NOT EXISTS journal (
    command_id TEXT PRIMARY KEY,
    device     TEXT NOT NULL,
    actuator   TEXT NOT NULL,
    state      TEXT NOT NULL,
    document   BLOB NOT NULL,
    at_ms      INTEGER NOT NULL,
    outcome    BLOB,
    acked      INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS journal_unacked ON journal (at_ms) WHERE outcome IS NOT NULL AND acked = 0;
CREATE INDEX IF NOT EXISTS journal_open ON journal (at_ms) WHERE outcome IS NULL;

CREATE TABLE IF NOT EXISTS actuator (
    key            TEXT PRIMARY KEY,
    owner_token    INTEGER NOT NULL DEFAULT 0,
    moved_ms       INTEGER,
    lease_until_ms INTEGER,
    seen           INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- When an actuator moved, for the budget of a day; two days are kept.
CREATE TABLE IF NOT EXISTS move (
    actuator TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    PRIMARY KEY (actuator, at_ms)
) WITHOUT ROWID;
