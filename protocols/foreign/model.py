"""What a decoder is given and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from zoneinfo import ZoneInfo

from domain.readings import Quality
from protocols.foreign.topics import TopicPattern

ABSENT_TIME = -1
"""Stands for a time that the message should have had; the reading is kept at the time of receipt, with quality ``clock``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRule:
    """How one value of a message becomes a metric."""

    name: str
    """With the suffix of its canonical unit, such as ``flow_m3h``."""
    path: str
    """Where the value is: a JSON pointer, or a name as the format has it."""
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    """canonical = value × factor + offset"""
    words: Mapping[str, float] = field(default_factory=dict)
    """Numbers for texts, such as ``open = 1``."""

    def canonical(self, value: float) -> float:
        """The value in the canonical unit: exact factors, one rounding."""
        return to_canonical(value, self.factor, self.offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One kind of message on one topic."""

    name: str
    """The readings' gateway is ``mqtt/<name>``."""
    format: str
    topic: TopicPattern
    device: str | None = None
    """JSON pointer to the device's name; None takes it from the topic, or from where the format has it."""
    time: str | None = None
    """JSON pointer to the time; None is the format's own place, or the time of receipt where it has none."""
    time_format: str = "iso8601"
    """``iso8601``, ``unix``, ``unix_ms``, or a pattern of ``strptime``."""
    timezone: ZoneInfo | None = None
    """Of times that carry no offset; None refuses them."""
    records: str | None = None
    """JSON pointer to an array of which each element is read as a message of its own."""
    metrics: tuple[MetricRule, ...] = ()
    """Empty takes whatever the format names by itself."""
    status: str | None = None
    """JSON pointer to a word on the message as a whole."""
    good: tuple[str, ...] = ()
    """Words of ``status`` that mean good; any other makes the readings suspect."""
    separator: str = ":"
    """SenML: what stands between device and metric in a name."""

    @property
    def edge(self) -> str:
        """The gateway that the devices of this source are behind, as the inventory names it."""
        return f"mqtt/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignReading:
    """One value of one metric."""

    device: str
    metric: str
    time_ms: int
    """Milliseconds since 1970 UTC, or ``ABSENT_TIME``."""
    value: float | None
    """In the canonical unit; None where the device gave none."""
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a part of a message became no reading."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One message."""

    readings: tuple[ForeignReading, ...]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a decoder is given."""

    source: Source
    parts: Mapping[str, str]
    """Named levels of the topic."""
    payload: bytes
    received_ms: int


Decoder = Callable[[Message], Decoded]


def to_canonical(value: float, factor: Fraction, offset: Fraction = Fraction(0)) -> float:
    """value × factor + offset; exact until the one rounding at the end, infinite beyond every double."""
    if not math.isfinite(value):
        return value
    if factor == 1 and offset == 0:
        return value
    exact = Fraction(repr(value)) * factor + offset
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
