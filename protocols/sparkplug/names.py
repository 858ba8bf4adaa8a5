"""Names of the metrics that Sparkplug or we give a meaning of their own."""

from __future__ import annotations

BD_SEQ = "bdSeq"
REBIRTH = "Node Control/Rebirth"

SPOOL_PREFIX = "Spool/"
SPOOL_EPOCH = "Spool/Epoch"
SPOOL_FIRST = "Spool/First"
SPOOL_LAST = "Spool/Last"
SPOOL_COMMITTED = "Spool/Committed"
SPOOL_RANGES = "Spool/Ranges"
SPOOL_GAP = "Spool/Gap"

COMMAND_DOCUMENT = "Command/Document"
COMMAND_SIGNATURE = "Command/Signature"
COMMAND_KEY = "Command/Key"
COMMAND_RESULT = "Command/Result"
COMMAND_RESULT_ACK = "Command/ResultAck"

QUALITY = "Quality"
"""Property of a metric: 192 good, 500 stale, 0 bad; sent only when it is not good."""
