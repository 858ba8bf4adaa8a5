"""A tiny ingestor in memory: takes blocks, keeps the ledger, sends receipts, asks for births."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import aiomqtt

from domain.delivery import Receipt, SequenceRange, Stream
from domain.setpoints import Outcome
from protocols.sparkplug.births import decode_birth
from protocols.sparkplug.blocks import decode_block
from protocols.sparkplug.commands import decode_result
from protocols.sparkplug.payload import Metric, Payload, decode
from protocols.sparkplug.receipts import encode_rebirth, encode_receipt
from protocols.sparkplug.topics import MessageType, Topic, build, parse_topic


@dataclass(slots=True, kw_only=True)
class Seen:
    """One Sparkplug message in the order of arrival."""

    topic: Topic
    payload: Payload


@dataclass(slots=True)
class Receiver:
    """``async with`` an aiomqtt client around ``run``."""

    port: int
    receipts: bool = True
    """False: the database is away."""
    lose: Callable[[int], bool] = lambda _first: False
    """Blocks (by first number) that never arrive."""
    seen: list[Seen] = field(default_factory=list)
    committed: dict[str, set[int]] = field(default_factory=dict)
    readings: dict[tuple[str, int], tuple[str, Metric]] = field(default_factory=dict)
    """(edge, sequence number) → (device, reading)"""
    duplicates: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    epochs: dict[str, int] = field(default_factory=dict)
    aliases: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    """(edge, alias) → (device, metric)"""
    _client: aiomqtt.Client | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, ready: asyncio.Event) -> None:
        """Receives until cancelled; comes back when the broker does."""
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", self.port, protocol=aiomqtt.ProtocolVersion.V5, clean_start=True) as client:
                    self._client = client
                    await client.subscribe("spBv1.0/+/+/+")
                    await client.subscribe("spBv1.0/+/+/+/+")
                    ready.set()
                    async for message in client.messages:
                        await self._take(str(message.topic), bytes(message.payload))
                        self._news.set()
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)

    async def publish(self, topic: Topic, payload: bytes) -> None:
        """Sends something to a gateway."""
        assert self._client is not None
        await self._client.publish(build(topic), payload)

    async def rebirth(self, edge: str) -> None:
        """Asks a gateway for its births."""
        group, node = edge.split("/")
        await self.publish(Topic(group=group, message_type=MessageType.NCMD, node=node), encode_rebirth())

    async def until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Returns when the condition holds; it is looked at with every message."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._news.clear()
                try:
                    async with asyncio.timeout(0.1):
                        await self._news.wait()
                except TimeoutError:
                    pass

    def receipt(self, edge: str) -> Receipt:
        """What is committed of a gateway's stream."""
        ranges: list[list[int]] = []
        for n in sorted(self.committed.get(edge, set())):
            if ranges and ranges[-1][1] == n - 1:
                ranges[-1][1] = n
            else:
                ranges.append([n, n])
        prefix = ranges.pop(0)[1] if ranges and ranges[0][0] == 1 else 0
        above = tuple(SequenceRange(first=a, last=b) for a, b in ranges[:64])
        return Receipt(stream=Stream(edge=edge, epoch=self.epochs[edge]), committed=prefix, above=above)

    def of(self, kind: MessageType) -> list[Seen]:
        """Messages of one kind."""
        return [s for s in self.seen if s.topic.message_type is kind]

    async def _take(self, text: str, data: bytes) -> None:
        if "/STATE/" in text:
            return
        topic = parse_topic(text)
        if topic.message_type in (MessageType.NCMD, MessageType.DCMD):
            return
        payload = decode(data)
        self.seen.append(Seen(topic=topic, payload=payload))
        if topic.message_type in (MessageType.NBIRTH, MessageType.DBIRTH):
            for b in decode_birth(payload, edge=topic.edge, device=topic.device or ""):
                self.aliases[topic.edge, b.alias] = (b.device, b.metric)
        elif topic.message_type is MessageType.DDATA:
            outcome = decode_result(payload)
            if outcome is not None:
                self.outcomes.append(outcome)
                return
            await self._block(topic, payload)

    async def _block(self, topic: Topic, payload: Payload) -> None:
        found = decode_block(payload, topic.edge)
        assert found is not None
        header, metrics = found
        if self.lose(header.range.first):
            return
        self.epochs[topic.edge] = header.stream.epoch
        ledger = self.committed.setdefault(topic.edge, set())
        for number, metric in enumerate(metrics, header.range.first):
            assert (topic.edge, metric.alias) in self.aliases, "a block came before the birth of its aliases"
            if number in ledger:
                self.duplicates += 1
                continue
            assert topic.device is not None
            self.readings[topic.edge, number] = (topic.device, metric)
        if self.receipts:
            ledger.update(range(header.range.first, header.range.last + 1))
            group, node = topic.edge.split("/")
            await self.publish(
                Topic(group=group, message_type=MessageType.NCMD, node=node), encode_receipt(self.receipt(topic.edge))
            )
