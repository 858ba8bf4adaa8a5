"""The one place that publishes, so that Sparkplug's seq follows the order on the wire.

Each pass does what is due: births, deaths, results of commands, fresh blocks, backlog, blocks to send again, gap records.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from domain.delivery import SequenceRange, Stream
from domain.ports import Clock
from edge.database import DatabaseThread
from edge.inbound import Inbound
from edge.outbound import block_payload
from edge.readings import Block, BlockHead, Lane
from edge.session import LastValues, Message, Session
from edge.spool import Spool
from edge.window import Window
from protocols.sparkplug.commands import encode_result
from protocols.sparkplug.gaps import encode_gap
from protocols.sparkplug.topics import MessageType

Send = Callable[[Message], Awaitable[None]]
"""Hands a message to the client at QoS 0; raises when the connection is gone."""

_RESULT_REPEAT_S = 3.0
_GAP_REPEAT_S = 5.0
_GAPS_AT_ONCE = 32
_REBIRTH_PAUSE_S = 1.0
_LOAD_BLOCKS = 32
_IDLE_S = 1.0


@dataclass(slots=True, kw_only=True)
class PublishCounters:
    """What was published since the process began."""

    blocks_sent: int = 0
    blocks_resent: int = 0
    births: int = 0
    results: int = 0
    gaps_sent: int = 0
    """Gap records, each as often as it was sent."""


class Publisher:
    """Decides with ``Session`` and ``Window`` what goes out next, and sends it."""

    def __init__(
        self,
        *,
        stream: Stream,
        clock: Clock,
        spool: Spool,
        database: DatabaseThread,
        session: Session,
        window: Window,
        inbound: Inbound,
        live_horizon_s: float,
        last_values: LastValues,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._spool = spool
        self._database = database
        self._session = session
        self._window = window
        self._inbound = inbound
        self._horizon_ms = int(live_horizon_s * 1000)
        self._last_values = last_values
        self._unreached: set[str] = set()
        self._births_at = float("-inf")
        self._results_at = 0.0
        self._gaps_at: dict[SequenceRange, float] = {}
        self.counters = PublishCounters()

    def device_reached(self, device: str, *, reached: bool) -> None:
        """Births and deaths of devices follow what the poller finds."""
        (self._unreached.discard if reached else self._unreached.add)(device)

    def results_ready(self) -> None:
        """A command has ended: its result goes out with the next pass."""
        self._results_at = 0.0

    async def begin(self, send: Send) -> None:
        """First messages of a connection: every birth."""
        self._window.reconnected()
        self._results_at = 0.0
        self._gaps_at.clear()
        await self._births(send)

    async def publish_due(self, send: Send) -> float:
        """One pass; returns how long the next may wait [wall s], 0 if there is more to do at once."""
        if self._inbound.rebirth_wanted and time.monotonic() - self._births_at >= _REBIRTH_PAUSE_S:
            await self._births(send)
        await self._deaths(send)
        if not self._session.host_online:
            return _IDLE_S
        await self._results(send)
        for lane in (Lane.LIVE, Lane.BACKLOG):
            await self._fill(send, lane)
        await self._resend(send)
        await self._gaps(send)
        return max(0.0, min(_IDLE_S, self._window.next_due() - time.monotonic()))

    # ── births, deaths ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _births(self, send: Send) -> None:
        self._inbound.rebirth_wanted = False
        self._births_at = time.monotonic()
        await send(self._session.node_birth(self._now_ms()))
        for device in dict.fromkeys(channel.device for channel in self._spool.channels()):
            await self._birth(send, device)
        await self._deaths(send)

    async def _birth(self, send: Send, device: str) -> None:
        channels = self._spool.channels(device)
        await send(self._session.device_birth(device, channels, self._last_values, self._now_ms()))
        self.counters.births += 1

    async def _deaths(self, send: Send) -> None:
        for device in tuple(self._unreached):
            if self._session.is_born(device):
                await send(self._session.device_death(device, self._now_ms()))
        for device in self._session.dead - self._unreached:
            await self._birth(send, device)

    # ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _results(self, send: Send) -> None:
        inbox = self._inbound.inbox
        if inbox is None or time.monotonic() - self._results_at < _RESULT_REPEAT_S:
            return
        self._results_at = time.monotonic()
        for device, outcome in await inbox.results():
            topic = self._session.topic(MessageType.DDATA, device)
            payload = encode_result(outcome, seq=self._session.next_seq(), timestamp_ms=self._now_ms())
            await send(Message(topic=topic, payload=payload))
            self.counters.results += 1

    async def _gaps(self, send: Send) -> None:
        """Tells what had to be dropped, again and again until a receipt names it; so many records at a time."""
        if not self._spool.gaps_untold:
            self._gaps_at.clear()
            return
        records = await self._database.run(self._spool.gaps, limit=_GAPS_AT_ONCE)
        now = time.monotonic()
        self._gaps_at = {gap.range: self._gaps_at[gap.range] for gap in records if gap.range in self._gaps_at}
        for gap in records:
            if now - self._gaps_at.get(gap.range, float("-inf")) < _GAP_REPEAT_S:
                continue
            self._gaps_at[gap.range] = now
            payload = encode_gap(self._stream, gap, seq=self._session.next_seq(), timestamp_ms=self._now_ms())
            await send(Message(topic=self._session.topic(MessageType.NDATA), payload=payload))
            self.counters.gaps_sent += 1

    # ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _fill(self, send: Send, lane: Lane) -> None:
        """Sends blocks of a lane that have not left yet, as far as the window allows."""
        room = self._window.room(lane)
        if room == 0:
            return
        # Those on their way come first in the spool's answer as well: ask for that many more.
        limit = room + len(self._window)
        heads = await self._database.run(self._spool.unacked, lane, limit=limit, fresh_ms=self._fresh_ms())
        fresh = [h for h in heads if h.first not in self._window][:room]
        self.counters.blocks_sent += await self._send_blocks(send, fresh)

    async def _resend(self, send: Send) -> None:
        due = self._window.due(time.monotonic())
        self.counters.blocks_resent += await self._send_blocks(send, due)

    async def _send_blocks(self, send: Send, heads: Sequence[BlockHead]) -> int:
        sent = 0
        for start in range(0, len(heads), _LOAD_BLOCKS):
            part = heads[start : start + _LOAD_BLOCKS]
            blocks = await self._database.run(self._spool.load, part, now_ms=self._now_ms())
            for head in part[: 0 if len(blocks) == len(part) else None]:
                if all(b.head.first != head.first for b in blocks):
                    self._window.forget(head.first)
            for block in blocks:
                await self._send_block(send, block)
                sent += 1
        return sent

    async def _send_block(self, send: Send, block: Block) -> None:
        if not self._session.knows(block.head.device, block.rows):
            await self._birth(send, block.head.device)
            await self._deaths(send)
        payload = block_payload(block, self._stream, seq=self._session.next_seq(), now_ms=self._now_ms(), fresh_ms=self._fresh_ms())
        self._window.sent(block.head, time.monotonic())
        await send(Message(topic=self._session.topic(MessageType.DDATA, block.head.device), payload=payload))
        await asyncio.sleep(0)  # receipts and polls get their turn between two blocks

    def _now_ms(self) -> int:
        return int(self._clock.timestamp() * 1000)

    def _fresh_ms(self) -> int:
        return self._now_ms() - self._horizon_ms
