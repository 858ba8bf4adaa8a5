"""A fleet that delivers as gateways do: a window of blocks each, moved by receipts; what gets none is sent again."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.bench.traffic import Fleet, Message
from app.bench.wire import Connection, publish_packet
from domain.delivery import Receipt
from domain.errors import KhettaraError
from protocols.sparkplug.payload import decode
from protocols.sparkplug.receipts import decode_receipt, is_rebirth
from protocols.sparkplug.topics import MessageType

_RESEND_S = 5.0


class NotDelivered(KhettaraError):
    """Receipts did not come in time."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Spool:
    """One gateway's blocks without receipt."""

    waiting: OrderedDict[int, tuple[int, bytes]] = field(default_factory=OrderedDict)
    """First number → last number and packet, never sent yet."""
    flying: OrderedDict[int, tuple[int, bytes]] = field(default_factory=OrderedDict)
    moved_s: float = 0.0
    """When a receipt last moved the window."""

    def take(self, receipt: Receipt) -> int:
        """Drops what the receipt covers; returns how many blocks."""
        ranges = [(1, receipt.committed), *((part.first, part.last) for part in receipt.above)]
        gone = [first for first, (last, _) in self.flying.items() if any(low <= first and last <= high for low, high in ranges)]
        for first in gone:
            del self.flying[first]
        return len(gone)

    def launch(self, window: int) -> list[bytes]:
        """Packets that may leave now."""
        out = []
        while self.waiting and len(self.flying) < window:
            first, block = self.waiting.popitem(last=False)
            self.flying[first] = block
            out.append(block[1])
        return out


class Gateways:
    """Every gateway of a fleet, connected."""

    def __init__(self, fleet: Fleet, *, window: int = 128) -> None:
        self._fleet = fleet
        self.window = window
        """Blocks without receipt that each may have on their way."""
        self._spools = [_Spool() for _ in range(fleet.gateways)]
        self._connections: list[Connection] = []
        self._changed = asyncio.Event()
        self.resent = 0
        """Blocks sent again."""
        self.rebirths = 0
        """Rebirth requests answered."""

    async def connect(self, host: str, port: int, *, username: str, password: str) -> None:
        """Connects every gateway and sends its births."""
        for gateway in range(self._fleet.gateways):
            connection = await Connection.open(
                host,
                port,
                client_id=f"bench-gw-{gateway}",
                username=username,
                password=password,
                topic=self._fleet.topic(MessageType.NCMD, gateway),
                on_message=lambda payload, g=gateway: self._heard(g, payload),  # type: ignore[misc]  # the loop's variable is bound by the default
            )
            self._connections.append(connection)
            self._bear(gateway)

    def close(self) -> None:
        """Disconnects them all."""
        for connection in self._connections:
            connection.close()

    @property
    def unacknowledged(self) -> int:
        """Blocks without receipt."""
        return sum(len(s.waiting) + len(s.flying) for s in self._spools)

    def offer(self, messages: Sequence[Message]) -> None:
        """Gives blocks to their gateways, which send as many as their windows take."""
        now = time.monotonic()
        for message in messages:
            spool = self._spools[message.gateway]
            if not spool.flying and not spool.waiting:
                spool.moved_s = now
            packet = publish_packet(message.topic, message.payload)
            spool.waiting[message.numbers.first] = (message.numbers.last, packet)
        for gateway in range(self._fleet.gateways):
            self._launch(gateway)

    async def settle(self, *, timeout_s: float) -> None:
        """Returns when every block has its receipt.

        Raises:
            NotDelivered: Receipts stayed away for so long.
        """
        deadline = time.monotonic() + timeout_s
        while self.unacknowledged:
            if time.monotonic() > deadline:
                raise NotDelivered(f"{self.unacknowledged} blocks have no receipt after {timeout_s:g} s; see the ingestor's log")
            await self.turn()

    async def turn(self, longest_s: float = 0.1) -> None:
        """Waits for a receipt, at most so long, and sends again what is overdue."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), longest_s)
        except TimeoutError:
            self._resend(time.monotonic())

    def _resend(self, now: float) -> None:
        for gateway, spool in enumerate(self._spools):
            if spool.flying and now - spool.moved_s > _RESEND_S:
                spool.moved_s = now
                self.resent += len(spool.flying)
                self._connections[gateway].write(b"".join(packet for _, packet in spool.flying.values()))

    def _heard(self, gateway: int, data: bytes) -> None:
        payload = decode(data)
        if is_rebirth(payload):
            self.rebirths += 1
            self._bear(gateway)
            return
        receipt = decode_receipt(payload, self._fleet.stream(gateway).edge)
        if receipt is not None and self._spools[gateway].take(receipt):
            self._spools[gateway].moved_s = time.monotonic()
            self._launch(gateway)
            self._changed.set()

    def _launch(self, gateway: int) -> None:
        packets = self._spools[gateway].launch(self.window)
        if packets:
            self._connections[gateway].write(b"".join(packets))

    def _bear(self, gateway: int) -> None:
        births = self._fleet.births(gateway, int(time.time() * 1000))
        self._connections[gateway].write(b"".join(publish_packet(topic, payload) for topic, payload in births))
