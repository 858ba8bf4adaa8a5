"""What a way of framing APDUs offers to a connection, whatever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What some received bytes amount to."""

    apdus: tuple[bytes, ...] = ()
    reply: bytes = b""
    """Bytes to send back now: acknowledgements, or the next segments of what is being sent."""
    closed: bool = False
    """The peer has let the link go."""


class Framing(Protocol):
    """One connection's framing, without I/O."""

    @property
    def opened(self) -> bool:
        """Whether APDUs may be sent."""
        ...

    def open(self) -> bytes:
        """Bytes that ask for the link."""
        ...

    def send(self, apdu: bytes) -> bytes:
        """Bytes to send now for this APDU; the rest comes as replies of ``receive``."""
        ...

    def receive(self, data: bytes) -> Arrival:
        """Takes received bytes."""
        ...

    def close(self) -> bytes:
        """Bytes that let the link go."""
        ...
