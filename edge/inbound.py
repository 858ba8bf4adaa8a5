"""What arrives from the broker, sorted: receipts, rebirth wishes, the host's STATE, commands. Nothing here waits or publishes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.delivery import Receipt
from domain.errors import DecodeError
from domain.setpoints import Outcome
from edge.session import Session
from protocols.sparkplug.births import decode_state
from protocols.sparkplug.commands import SignedCommand, decode_command, decode_result_ack
from protocols.sparkplug.payload import Payload, decode
from protocols.sparkplug.receipts import decode_receipt, is_rebirth
from protocols.sparkplug.topics import MessageType, parse_topic, state_topic


class CommandInbox(Protocol):
    """Who takes commands and keeps their results."""

    def offer(self, device: str, command: SignedCommand) -> None:
        """Takes a command; never waits."""
        ...

    def acknowledge(self, command_id: str) -> None:
        """The centre has the result; never waits."""
        ...

    async def results(self) -> Sequence[tuple[str, Outcome]]:
        """(device, outcome) of every command whose result has not been acknowledged."""
        ...


@dataclass(slots=True, kw_only=True)
class Inbound:
    """Takes one message at a time and keeps what the sender and the receipt keeper need."""

    edge: str
    host_id: str
    session: Session
    inbox: CommandInbox | None = None
    receipts: deque[Receipt] = field(default_factory=lambda: deque(maxlen=64))
    """The newest receipts; older ones may fall out, for each names all that is committed."""
    rebirth_wanted: bool = False

    def subscriptions(self) -> tuple[tuple[str, int], ...]:
        """(topic filter, QoS) in the order to subscribe."""
        group, node = self.edge.split("/")
        return (
            (state_topic(self.host_id), 1),
            (f"spBv1.0/{group}/{MessageType.NCMD.value}/{node}", 0),
            (f"spBv1.0/{group}/{MessageType.DCMD.value}/{node}/+", 0),
        )

    def take(self, topic_text: str, data: object) -> None:
        """Sorts one message.

        Raises:
            DecodeError: It is not what its topic says.
        """
        if not isinstance(data, bytes):
            raise DecodeError("decode_error", f"empty payload on {topic_text}")
        if topic_text == state_topic(self.host_id):
            if self.session.host_says(decode_state(data)):
                self.rebirth_wanted = True
            return
        topic = parse_topic(topic_text)
        payload = decode(data)
        if topic.message_type is MessageType.NCMD:
            self._node_command(payload)
        elif topic.device is not None:
            self._device_command(topic.device, payload)

    def _node_command(self, payload: Payload) -> None:
        receipt = decode_receipt(payload, self.edge)
        if receipt is not None:
            self.receipts.append(receipt)
        if is_rebirth(payload):
            self.rebirth_wanted = True

    def _device_command(self, device: str, payload: Payload) -> None:
        if self.inbox is None:
            return
        command = decode_command(payload)
        if command is not None:
            self.inbox.offer(device, command)
        acknowledged = decode_result_ack(payload)
        if acknowledged is not None:
            self.inbox.acknowledge(acknowledged)
