"""Sparkplug topics: ``spBv1.0/<group>/<type>/<node>[/<device>]`` and the host's ``spBv1.0/STATE/<host>``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import DecodeError

NAMESPACE = "spBv1.0"


class MessageType(StrEnum):
    """What a message is; the first letter says of whom: node or device."""

    NBIRTH = "NBIRTH"
    NDATA = "NDATA"
    NDEATH = "NDEATH"
    NCMD = "NCMD"
    DBIRTH = "DBIRTH"
    DDATA = "DDATA"
    DDEATH = "DDEATH"
    DCMD = "DCMD"

    @property
    def of_device(self) -> bool:
        """Whether the topic ends in a device."""
        return self.value[0] == "D"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic of a node or of one of its devices."""

    group: str
    message_type: MessageType
    node: str
    device: str | None = None

    @property
    def edge(self) -> str:
        """``group/node``: the gateway's name in the whole house."""
        return f"{self.group}/{self.node}"


def build(topic: Topic) -> str:
    """The topic as a string.

    Raises:
        ValueError: A part is empty or holds ``/ + #``, or the device is missing or too much for the message type.
    """
    parts = [topic.group, topic.node] if topic.device is None else [topic.group, topic.node, topic.device]
    for part in parts:
        if not _is_id(part):
            raise ValueError(f"{part!r} is no Sparkplug id: it must not be empty nor hold '/', '+', '#' or NUL")
    if topic.message_type.of_device != (topic.device is not None):
        raise ValueError(f"{topic.message_type.value} with device {topic.device!r}: only D messages name a device, and all do")
    return "/".join([NAMESPACE, topic.group, topic.message_type.value, *parts[1:]])


def parse_topic(text: str) -> Topic:
    """The parts of a node's or device's topic; STATE topics are not among them.

    Raises:
        DecodeError: ``bad_topic``: not a Sparkplug B topic.
    """
    parts = text.split("/")
    if len(parts) not in (4, 5) or parts[0] != NAMESPACE or not all(map(_is_id, parts)):
        raise _bad(text, f"expected {NAMESPACE}/<group>/<type>/<node>[/<device>]")
    try:
        kind = MessageType(parts[2])
    except ValueError:
        raise _bad(text, f"message type {parts[2]!r} is not one of {', '.join(MessageType)}") from None
    if kind.of_device != (len(parts) == 5):
        raise _bad(text, f"{kind.value} must {'name' if kind.of_device else 'not name'} a device")
    return Topic(group=parts[1], message_type=kind, node=parts[3], device=parts[4] if kind.of_device else None)


def state_topic(host_id: str) -> str:
    """Topic of a host application's STATE (Sparkplug 3.0, 6.4.25).

    Raises:
        ValueError: The host id is empty or holds ``/ + #``.
    """
    if not _is_id(host_id):
        raise ValueError(f"{host_id!r} is no Sparkplug host id: it must not be empty nor hold '/', '+', '#' or NUL")
    return f"{NAMESPACE}/STATE/{host_id}"


def _is_id(part: str) -> bool:
    return bool(part) and not any(sign in part for sign in "/+#\0")


def _bad(text: str, detail: str) -> DecodeError:
    return DecodeError("bad_topic", f"topic {text[:200]!r}: {detail}")
