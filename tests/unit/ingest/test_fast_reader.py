"""Packets are cut out of the socket's bytes wherever these are cut."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import MQTTErrorCode

from ingest.fast_reader import FastReader


class Library:
    """The inside of the library's client, as far as the reader knows it."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._sock: Any = object()
        self._in_packet: dict[str, Any] = {}
        self._last_bytes_received = 0.0
        self.pieces = deque(pieces)
        self.handled: list[tuple[int, bytes]] = []
        self.lost: list[int] = []

    def _sock_recv(self, size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        return self.pieces.popleft()

    def _packet_handle(self) -> MQTTErrorCode:
        self.handled.append((self._in_packet["command"], bytes(self._in_packet["packet"])))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _loop_rc_handle(self, code: MQTTErrorCode) -> MQTTErrorCode:
        self.lost.append(int(code))
        return code


def packet(command: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([command])
    while True:
        length, low = length >> 7, length & 0x7F
        head.append(low | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def publish(topic: str, payload: bytes, properties: bytes = b"") -> bytes:
    name = topic.encode()
    return packet(0x30, len(name).to_bytes(2, "big") + name + bytes([len(properties)]) + properties + payload)


def run(pieces: list[bytes]) -> tuple[Library, list[tuple[str, bytes]]]:
    got: list[tuple[str, bytes]] = []
    library: Any = Library(pieces)  # it stands for the library's client
    reader = FastReader(library, lambda topic, payload: got.append((topic, payload)))
    while library.pieces:
        reader.read()
    return library, got


@given(
    st.lists(st.tuples(st.sampled_from(["a", "s/x/ü"]), st.binary(max_size=300), st.booleans()), max_size=8),
    st.lists(st.integers(0, 900), max_size=8),
)
def test_messages_survive_any_cut(messages: list[tuple[str, bytes, bool]], cuts: list[int]) -> None:
    stream, other = b"", []
    for topic, payload, ours in messages:
        stream += publish(topic, payload) if ours else packet(0x32, payload)
        if not ours:
            other.append((0x32, payload))
    places = sorted({0, len(stream), *(c for c in cuts if c < len(stream))})
    library, got = run([stream[a:b] for a, b in itertools.pairwise(places)])
    assert got == [(topic, payload) for topic, payload, ours in messages if ours]
    assert library.handled == other
    assert library.lost == []


def test_properties_are_skipped_and_what_is_odd_goes_to_the_library() -> None:
    odd = [
        packet(0x30, b"\x00\x00\x00x"),
        packet(0x30, b"\x00\x01"),
        packet(0x30, b"\x00\x01\xff\x00x"),
        packet(0x30, b"\x00\x01a\x09x"),
    ]
    library, got = run([publish("t", b"x", b"\x01\x00") + b"".join(odd)])
    assert got == [("t", b"x")]
    assert len(library.handled) == len(odd)


@pytest.mark.parametrize("end", [b"", b"\x30\xff\xff\xff\xff\x01"])
def test_an_end_or_nonsense_loses_the_connection(end: bytes) -> None:
    library, _ = run([publish("t", b"x"), end])
    assert len(library.lost) == 1
