"""Settings of the ingestor: unknown keys are refused, every number carries its unit in its name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from domain.errors import ConfigurationError
from protocols.foreign.model import Source
from protocols.foreign.settings import parse_sources


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSettings(_Section):
    """The MQTT 5 broker and how to be a client of it."""

    host: str = "127.0.0.1"
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = None
    password: str | None = Field(default=None, repr=False)
    ca_file: Path | None = None
    """Authority that signed the broker's certificate; TLS is used where this is set."""
    certificate_file: Path | None = None
    key_file: Path | None = None
    client_id: str | None = None
    """MQTT client identifier, unique on the broker; None makes one at each start."""
    keepalive_s: int = Field(default=15, ge=1, le=3600)
    """A client silent for 1.5 times this is taken out of the share group by a broker that keeps the specification."""
    reconnect_min_s: float = Field(default=0.1, gt=0)
    reconnect_max_s: float = Field(default=5.0, gt=0)


class LimitSettings(_Section):
    """What one message and one reading may be."""

    payload_bytes: int = Field(default=1_048_576, ge=1024)
    """A larger payload is a dead letter, unread."""
    block_readings: int = Field(default=20_000, ge=1)
    """A block of more readings is a dead letter."""
    clock_ahead_s: float = Field(default=300.0, ge=0)
    """A reading observed later than now plus this is stored at the time of receipt, with quality ``clock``."""
    retention_days: float = Field(default=3652.5, gt=0)
    """A reading older than this is a dead letter: it would open a partition that is dropped at once."""


class BatchSettings(_Section):
    """How readings are gathered into one transaction, and how much may wait for one."""

    rows: int = Field(default=20_000, ge=1)
    """A transaction starts when this many readings wait ..."""
    wait_s: float = Field(default=0.1, ge=0)
    """... or when the oldest has waited this long ..."""
    quiet_s: float = Field(default=0.01, gt=0)
    """... or when nothing has come for this long."""
    lanes: int = Field(default=3, ge=1, le=16)
    """Transactions at a time; each needs a connection, and each gateway belongs to one of them."""
    backlog_rows: int = Field(default=80_000, ge=1)
    """Decoded readings that may wait; beyond them nothing more is taken out of the queue."""
    queue_messages: int = Field(default=2_000, ge=1)
    """Messages that may wait undecoded; the newest beyond them are dropped unacknowledged and sent again by their gateways."""
    queue_bytes: int = Field(default=33_554_432, ge=1024)
    """The same bound in bytes, for large messages."""
    retry_min_s: float = Field(default=0.2, gt=0)
    retry_max_s: float = Field(default=2.0, gt=0)
    """Pause between two tries while the database is away: doubles from the first to the second."""


def _sources(value: Any) -> tuple[Source, ...]:
    """Sources as they are, or as ``[[foreign]]`` tables.

    Raises:
        ConfigurationError: Naming key, value and what would be right.
    """
    if isinstance(value, tuple) and all(isinstance(one, Source) for one in value):
        return value
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ConfigurationError(file="[ingest]", key="foreign", value=value, expected="tables written as [[ingest.foreign]]")
    return parse_sources(value, "[ingest]")


class IngestSettings(_Section):
    """All of the ingestor."""

    broker: BrokerSettings = BrokerSettings()
    host_id: str = Field(default="khettara", pattern=r"^[^/+#\x00]+$")
    """Sparkplug host application id: the last level of the STATE topic."""
    share_group: str | None = Field(default="ingest", pattern=r"^[^/+#\x00]+$")
    """Name of the MQTT shared subscription for data; None takes every message, also with other ingestors beside this one."""
    batch: BatchSettings = BatchSettings()
    limits: LimitSettings = LimitSettings()
    foreign: Annotated[tuple[Source, ...], PlainValidator(_sources)] = ()
    """Other people's devices: ``[[foreign]]`` tables, see ``protocols.foreign.settings``."""
    rebirth_every_s: float = Field(default=60.0, ge=0)
    """Least time between two rebirth requests to one gateway; a gateway that connects is born unasked."""
    channels_every_s: float = Field(default=30.0, gt=0)
    """Wall time between two looks at which channel feeds which point."""
