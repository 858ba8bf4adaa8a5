"""A gateway reduced to its promise: it sends what it has until the receipts cover it, and is born again when asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import aiomqtt

from domain.delivery import Receipt, SequenceRange
from protocols.sparkplug.payload import decode
from protocols.sparkplug.receipts import decode_receipt, is_rebirth
from protocols.sparkplug.topics import parse_topic
from protocols.tasks import end_tasks
from tests.support.brokers import Broker
from tests.support.uplink import DEVICE, NODE, dbirth, nbirth, topic

RESEND_S = 0.5


class WireGateway:
    """One connected gateway; ``births`` maps its devices to their aliases.

    It sends again what no receipt has covered for ``resend_s``, and after a rebirth: where each message is counted, ``resend_s`` is
    longer than a receipt may ever take.
    """

    def __init__(
        self, client: aiomqtt.Client, node: str, births: Mapping[str, Mapping[str, int]], *, resend_s: float = RESEND_S
    ) -> None:
        self.client = client
        self.node = node
        self.births = births
        self.resend_s = resend_s
        self.rebirths = 0
        self.receipt: Receipt | None = None
        self._news = asyncio.Event()

    async def born(self) -> None:
        """Sends every birth."""
        await self.client.publish(topic("NBIRTH", node=self.node), nbirth())
        for device, aliases in self.births.items():
            await self.client.publish(topic("DBIRTH", device, node=self.node), dbirth(aliases))

    async def publish(self, payload: bytes, *, device: str = DEVICE) -> None:
        """One DDATA, once."""
        await self.client.publish(topic("DDATA", device, node=self.node), payload)

    async def deliver(self, blocks: Mapping[SequenceRange, bytes], *, device: str = DEVICE, patience_s: float = 60.0) -> None:
        """Sends blocks again and again, shuffled, until a receipt covers each."""
        async with asyncio.timeout(patience_s):
            while missing := [payload for numbers, payload in blocks.items() if not self.covers(numbers)]:
                random.shuffle(missing)
                rebirths = self.rebirths
                for payload in missing:
                    await self.publish(payload, device=device)
                await self._progress(blocks, rebirths)

    def covers(self, numbers: SequenceRange) -> bool:
        """Whether the newest receipt holds all of these numbers."""
        if self.receipt is None:
            return False
        whole = (SequenceRange(first=1, last=max(1, self.receipt.committed)), *self.receipt.above)
        if self.receipt.committed == 0:
            whole = whole[1:]
        return any(part.first <= numbers.first and numbers.last <= part.last for part in whole)

    async def _progress(self, blocks: Mapping[SequenceRange, bytes], rebirths: int) -> None:
        """Returns when everything is covered, when it was born again, or when nothing has come for a while."""
        while self.rebirths == rebirths and not all(self.covers(numbers) for numbers in blocks):
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), self.resend_s)
            except TimeoutError:
                return

    async def listen(self) -> None:
        """Takes in receipts and answers rebirth requests, until cancelled."""
        async for message in self.client.messages:
            payload = decode(bytes(message.payload))
            if is_rebirth(payload):
                await self.born()
                self.rebirths += 1
                self._news.set()
                continue
            receipt = decode_receipt(payload, parse_topic(message.topic.value).edge)
            if receipt is not None:
                self.receipt = receipt
                self._news.set()


@asynccontextmanager
async def gateway(
    broker: Broker, *, node: str = NODE, births: Mapping[str, Mapping[str, int]] | None = None, resend_s: float = RESEND_S
) -> AsyncIterator[WireGateway]:
    """A gateway that listens while the block lasts."""
    async with aiomqtt.Client(
        "127.0.0.1", broker.port, username=broker.username, password=broker.password, protocol=aiomqtt.ProtocolVersion.V5
    ) as client:
        await client.subscribe(topic("NCMD", node=node))
        found = WireGateway(client, node, births or {DEVICE: {"flow_m3h": 1, "pressure_m": 2}}, resend_s=resend_s)
        listening = asyncio.create_task(found.listen())
        try:
            yield found
        finally:
            await end_tasks([listening])


def numbered(blocks: Sequence[tuple[int, int, bytes]]) -> dict[SequenceRange, bytes]:
    """(first, last, payload) as the gateway delivers them."""
    return {SequenceRange(first=first, last=last): payload for first, last, payload in blocks}
