"""What is to be said to gateways: receipts and rebirth requests. A stream's newest receipt replaces the one that still waits."""

from __future__ import annotations

import asyncio

from domain.delivery import Receipt, Stream
from protocols.sparkplug.receipts import encode_rebirth, encode_receipt
from protocols.sparkplug.topics import MessageType, Topic, build


class Outbox:
    """Bounded by the number of gateways. Nothing in it must arrive: blocks that come again are receipted again."""

    def __init__(self) -> None:
        self._receipts: dict[Stream, Receipt] = {}
        self._rebirths: dict[str, None] = {}
        self._filled = asyncio.Event()

    def receipt(self, receipt: Receipt) -> None:
        """A receipt is to be sent."""
        self._receipts[receipt.stream] = receipt
        self._filled.set()

    def rebirth(self, edge: str) -> None:
        """A gateway is to be asked for its births."""
        self._rebirths[edge] = None
        self._filled.set()

    async def wait(self) -> None:
        """Returns when there is something to be sent."""
        await self._filled.wait()

    def take(self) -> list[tuple[str, bytes]]:
        """Topics and payloads to be sent now; the outbox is empty afterwards."""
        messages = [(_command_topic(edge), encode_rebirth()) for edge in self._rebirths]
        messages += [(_command_topic(r.stream.edge), encode_receipt(r)) for r in self._receipts.values()]
        self._receipts, self._rebirths = {}, {}
        self._filled.clear()
        return messages


def _command_topic(edge: str) -> str:
    group, _, node = edge.partition("/")
    return build(Topic(group=group, message_type=MessageType.NCMD, node=node))
