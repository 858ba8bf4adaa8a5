"""Messages as a gateway of ours sends them, for tests of what takes them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.delivery import SequenceRange, Stream
from protocols.sparkplug.births import birth_metric, encode_dbirth, encode_nbirth
from protocols.sparkplug.blocks import BlockHeader, BlockReading, encode_block

GROUP, NODE, DEVICE = "demo", "gw-north", "meter-1"
EDGE = f"{GROUP}/{NODE}"
EPOCH = 4_611_686_018_427_387_000
STREAM = Stream(edge=EDGE, epoch=EPOCH)
NOW_MS = 1_772_000_000_000
ALIASES = {"flow_m3h": 1, "pressure_m": 2}


def topic(kind: str, device: str | None = None, *, node: str = NODE) -> str:
    """A topic of the test's gateway."""
    return "/".join(["spBv1.0", GROUP, kind, node, *([device] if device else [])])


DATA = topic("DDATA", DEVICE)


def nbirth(*, bd_seq: int = 0, epoch: int = EPOCH) -> bytes:
    """The gateway's birth."""
    return encode_nbirth(bd_seq=bd_seq, epoch=epoch, timestamp_ms=NOW_MS)


def dbirth(aliases: Mapping[str, int] = ALIASES, *, epoch: int = EPOCH) -> bytes:
    """A device's birth."""
    metrics = [birth_metric(name=name, alias=alias) for name, alias in aliases.items()]
    return encode_dbirth(epoch=epoch, metrics=metrics, seq=1, timestamp_ms=NOW_MS)


def block(readings: Sequence[BlockReading], *, first: int = 1, epoch: int = EPOCH, edge: str = EDGE) -> bytes:
    """A block that starts at a sequence number."""
    numbers = SequenceRange(first=first, last=first + len(readings) - 1)
    header = BlockHeader(stream=Stream(edge=edge, epoch=epoch), range=numbers)
    return encode_block(header, readings, seq=2, timestamp_ms=NOW_MS)


def reading(value: float | None, *, alias: int = 1, at_ms: int = NOW_MS - 60_000) -> BlockReading:
    """One good reading."""
    return BlockReading(alias=alias, time_ms=at_ms, value=value)


def series(count: int, *, first: int = 1, alias: int = 1) -> list[BlockReading]:
    """Readings a second apart, each with its own time and value, by sequence number."""
    return [reading(float((first + i) % 400), alias=alias, at_ms=NOW_MS - 10_000_000 + (first + i) * 1000) for i in range(count)]
