"""Uplink to storage: what gateways publish becomes rows or dead letters, exactly once, and is receipted after COMMIT.

broker ──▶ connection ──▶ intake (pure: topic + bytes → rows, letters, births) ──▶ lanes ──▶ writer ──▶ IngestStore
               ▲                                                                                │ COMMIT
               └───────────────────────── outbox: receipts and rebirth requests ◀───────────────┘
"""
