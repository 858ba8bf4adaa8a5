"""One Sparkplug session of a gateway: numbers, births and the host's STATE. Pure, no connection.

begin(bdSeq) ─▶ NBIRTH seq 0 ─▶ DBIRTH … ─▶ DDATA …      seq counts every message 0-255; a rebirth starts again at 0
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.readings import Channel, Rows
from protocols.sparkplug.births import HostState, birth_metric, encode_dbirth, encode_ddeath, encode_nbirth
from protocols.sparkplug.payload import Metric
from protocols.sparkplug.topics import MessageType, Topic, build


@dataclass(frozen=True, slots=True, kw_only=True)
class LastValue:
    """The newest value of a metric, for its birth."""

    value: float | None
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A payload ready to be handed to the client."""

    topic: str
    payload: bytes


LastValues = Callable[[str, str], LastValue | None]
"""(device, metric) → newest value, if there is one."""


class Session:
    """What the host believes of this gateway."""

    def __init__(self, *, group: str, node: str, epoch: int) -> None:
        self._group = group
        self._node = node
        self._epoch = epoch
        self._seq = 0
        self.bd_seq = 0
        self._born: dict[str, int] = {}
        self._dead: set[str] = set()
        self._host: HostState | None = None

    # ── numbers and topics ──────────────────────────────────────────────────────────────────────────────────────────────────

    def topic(self, kind: MessageType, device: str | None = None) -> str:
        """A topic of this gateway."""
        return build(Topic(group=self._group, message_type=kind, node=self._node, device=device))

    def next_seq(self) -> int:
        """The number of the message that is handed to the client now; call it for nothing else."""
        seq, self._seq = self._seq, (self._seq + 1) % 256
        return seq

    # ── births and deaths ───────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, bd_seq: int) -> None:
        """A new connection: nothing is known of us."""
        self.bd_seq = bd_seq
        self._born.clear()
        self._dead.clear()

    def node_birth(self, now_ms: int) -> Message:
        """NBIRTH; every device must be born again after it."""
        self._seq = 0
        self._born.clear()
        self._dead.clear()
        payload = encode_nbirth(bd_seq=self.bd_seq, epoch=self._epoch, timestamp_ms=now_ms, seq=self.next_seq())
        return Message(topic=self.topic(MessageType.NBIRTH), payload=payload)

    def device_birth(self, device: str, channels: Sequence[Channel], last: LastValues, now_ms: int) -> Message:
        """DBIRTH with every channel of the device."""
        metrics = [_birth_metric(channel, last(device, channel.metric)) for channel in channels]
        self._born[device] = max((c.alias for c in channels), default=0)
        self._dead.discard(device)
        payload = encode_dbirth(epoch=self._epoch, metrics=metrics, seq=self.next_seq(), timestamp_ms=now_ms)
        return Message(topic=self.topic(MessageType.DBIRTH, device), payload=payload)

    def device_death(self, device: str, now_ms: int) -> Message:
        """DDEATH: the device is not reached; its aliases stay known."""
        self._dead.add(device)
        payload = encode_ddeath(seq=self.next_seq(), timestamp_ms=now_ms)
        return Message(topic=self.topic(MessageType.DDEATH, device), payload=payload)

    def knows(self, device: str, rows: Rows) -> bool:
        """Whether the host has been told every alias of these rows."""
        return int(rows["channel"].max()) <= self._born.get(device, -1)

    def is_born(self, device: str) -> bool:
        """Whether the device was born in this session and has not died since."""
        return device in self._born and device not in self._dead

    @property
    def dead(self) -> frozenset[str]:
        """Devices the host was told are not reached."""
        return frozenset(self._dead)

    # ── the host ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def host_says(self, state: HostState) -> bool:
        """Takes a STATE, unless it is older than the last; returns True if the host has come back."""
        before = self._host
        if before is not None and state.timestamp_ms < before.timestamp_ms:
            return False
        self._host = state
        return state.online and before is not None and not before.online

    @property
    def host_online(self) -> bool:
        """Whether data may be published: a host that has never spoken is believed to listen."""
        return self._host is None or self._host.online


def _birth_metric(channel: Channel, last: LastValue | None) -> Metric:
    if last is None:
        return birth_metric(name=channel.metric, alias=channel.alias)
    return birth_metric(name=channel.metric, alias=channel.alias, value=last.value, time_ms=last.time_ms)
