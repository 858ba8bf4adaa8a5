"""Messages that were damaged, made up or meant badly, out of a seed. Fast: payloads are joined from parts made beforehand."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from domain.delivery import GapPoint, GapRecord, SequenceRange
from domain.readings import Quality
from protocols.sparkplug.births import birth_metric, encode_ddeath, encode_ndeath
from protocols.sparkplug.blocks import BlockReading
from protocols.sparkplug.gaps import encode_gap
from protocols.sparkplug.payload import DataType, Metric, Payload, encode
from tests.support.uplink import DATA, DEVICE, EPOCH, NOW_MS, STREAM, block, dbirth, nbirth, topic

Message = tuple[str, bytes]

MOST_BYTES, MOST_READINGS = 4096, 100
"""Limits the receiver is to be given, so that giants are cheap to make."""
FOREIGN = [
    {
        "name": "loggers", "format": "json", "topic": "loggers/{device}/data", "time": "/t", "time_format": "unix_ms",
        "metric": [{"name": "flow_m3h", "path": "/flow", "unit": "L/s"}, {"name": "pressure_m", "path": "/p"}],
    },
    {"name": "packs", "format": "senml", "topic": "senml/+"},
    {"name": "lora", "format": "chirpstack", "topic": "application/{application}/device/{device}/event/up"},
    {"name": "radio", "format": "wmbusmeters", "topic": "wmbusmeters/{device}"},
]  # fmt: skip
"""Tables for ``IngestSettings.foreign``."""
_VARINTS = [b"\xff" * 9 + b"\x01", b"\xff" * 10, b"\x80\x80\x00", b"\x00", b"\x7f", b"\xff\xff\xff\xff\x0f"]
_VALUES = [0.0, 1.5, -3.0, 1e308, -1e-320, float("nan"), float("inf"), float("-inf"), 0.005, None]
_TIMES = [NOW_MS, NOW_MS - 60_000, NOW_MS + 10**9, NOW_MS + 10**6, 0, 1, 2**62, 2**63 - 1, 946_684_799_999, 4_070_908_800_000]
_TOPICS = [
    DATA, topic("NDATA"), topic("DDATA", "void"), topic("DBIRTH", DEVICE), topic("NBIRTH"), topic("NDEATH"), topic("NCMD"),
    "spBv1.0/demo/DDATA/gw-void/m", "spBv1.0/demo/XDATA/gw/m", "a/b", "", "spBv1.0//DDATA//", "spBv1.0/demo/DDATA/gw-north/\x00",
    "loggers/l1/data", "senml/a", "application/a/device/0a/event/up", "wmbusmeters/w1", "wmbusmeters/\ufffd",
]  # fmt: skip
_WORDS = [b"null", b"true", b"1e999", b"-0", b"NaN", b'"\\ud800"', b'"2099-01-01T00:00:00Z"', b"[[[[", b"{}", b"9" * 400, b'""']


class Fuzzer:
    """Messages out of a seed; blocks of our own gateways are numbered without a gap."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._next = 1
        self._plain = [self._body([self._good() for _ in range(size)]) for size in (1, 2, 3, 5, 8) for _ in range(12)]
        sizes = [1, 2, 4, 9, 17, MOST_READINGS, MOST_READINGS + 1]
        self._strange = [self._body([self._hostile() for _ in range(size)]) for size in sizes for _ in range(20)]
        self._others = [self._other_maker() for _ in range(100)]
        self._foreign = [*self._foreign_messages()]
        kinds: list[tuple[Callable[[], Message], int]] = [
            (lambda: self._numbered(self._plain), 8),
            (lambda: self._numbered(self._strange), 5),
            (lambda: (DATA, self._random.choice(self._others)), 3),
            (lambda: self._random.choice(self._foreign), 5),
            (self._session, 2),
            (lambda: (DATA, self._random.randbytes(self._random.randrange(300))), 1),
            (lambda: self._random.choice([(DATA, bytes(MOST_BYTES + 1)), (DATA, b""), ("senml/a", b"[" * MOST_BYTES)]), 1),
        ]
        self._kinds = [kind for kind, weight in kinds for _ in range(weight)]
        self._damages = [
            self._truncated, self._grown, self._varint, self._cut, self._doubled, self._swapped, self._flipped, self._flipped,
            self._word,
        ]  # fmt: skip

    def messages(self, count: int) -> Iterator[Message]:
        """So many messages."""
        pick = self._random.choice
        for _ in range(count):
            to, payload = pick(self._kinds)()
            for _ in range(pick((0, 0, 1, 1, 2, 5))):
                payload = pick(self._damages)(payload)
            yield (pick(_TOPICS) if self._random.random() < 0.05 else to), payload

    # ── what a sender may say ───────────────────────────────────────────────────────────────────────────────────────────────

    def _numbered(self, bodies: Sequence[tuple[int, bytes]]) -> Message:
        """A block: protobuf lets the header and the readings be joined."""
        size, body = self._random.choice(bodies)
        first, self._next = self._next, self._next + size
        return DATA, _header(first, first + size - 1) + body

    def _body(self, readings: list[BlockReading]) -> tuple[int, bytes]:
        """How many readings, and their bytes without a header."""
        whole = block(readings, first=1)
        return len(readings), whole.removeprefix(_header(1, len(readings)))

    def _good(self) -> BlockReading:
        pick = self._random
        return BlockReading(alias=pick.choice([1, 2]), time_ms=NOW_MS - pick.randrange(10**9), value=pick.randrange(1600) / 4)

    def _hostile(self) -> BlockReading:
        pick = self._random.choice
        return BlockReading(
            alias=pick([1, 1, 2, 2, 3, 99, 2**63]),
            time_ms=pick(_TIMES),
            value=pick(_VALUES),
            quality=pick(list(Quality)),
            historical=pick([True, False]),
        )

    def _other_maker(self) -> bytes:
        pick = self._random.choice
        names = ["flow_m3h", "Spool/First", "Spool/Gap", "Command/Result", "Node Control/Rebirth", "bdSeq", "x" * 50, ""]
        metrics = [
            Metric(name=pick(names), datatype=DataType.STRING, value=pick(["1.5", "", "{}"])),
            Metric(name="flow_m3h", timestamp_ms=pick([None, NOW_MS]), datatype=DataType.INT32, value=-5),
            Metric(name="flow_m3h", timestamp_ms=NOW_MS, datatype=DataType.UINT64, value=2**64 - 1),
            Metric(alias=1, datatype=DataType.BOOLEAN, value=True),
            Metric(name="pressure_m", datatype=DataType.BYTES, value=b"\xff\x00"),
            Metric(name="pressure_m", timestamp_ms=NOW_MS, datatype=DataType.FLOAT, value=2.5),
        ]
        return encode(Payload(timestamp_ms=pick([None, NOW_MS]), metrics=tuple(self._random.choices(metrics, k=pick(range(5))))))

    def _session(self) -> Message:
        odd = self._random.randrange(2**63)
        first, self._next = self._next, self._next + 7
        gap = GapRecord(
            range=SequenceRange(first=first, last=first + 6), reason="spool_full", at_ms=NOW_MS,
            points=(GapPoint(device=DEVICE, metric="flow_m3h", readings=7),),
        )  # fmt: skip
        twice = (birth_metric(name="a", alias=1), birth_metric(name="b", alias=1))
        return self._random.choice([
            (topic("NBIRTH"), nbirth()),
            (topic("DBIRTH", DEVICE), dbirth({"flow_m3h": 1, "pressure_m": 2, "odd_m": odd})),
            (topic("DBIRTH", "m2"), encode(Payload(metrics=twice))),
            (topic("NDEATH"), encode_ndeath(0)),
            (topic("NDATA"), encode_gap(STREAM, gap, seq=1, timestamp_ms=NOW_MS)),
            (topic("NDATA"), encode_gap(STREAM, gap, seq=1, timestamp_ms=NOW_MS)),
            (topic("DDEATH", DEVICE), encode_ddeath(seq=1, timestamp_ms=NOW_MS)),
        ])  # fmt: skip

    def _foreign_messages(self) -> Iterator[Message]:
        """JSON of other people's devices, each document with some of its values hostile."""
        hostile: list[Any] = [None, True, "", "x", -1, 2.5, 1e308, 10**400, float("nan"), [], {}, [[]], {"a": {}}, "\x00"]
        for _ in range(60):
            for to, document in _documents():
                for key in list(document):
                    if self._random.random() < 0.3:
                        document[key] = self._random.choice(hostile)
                yield to, json.dumps([document] if to.startswith("senml") else document).encode()

    # ── what may befall it ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _at(self, data: bytes) -> int:
        return self._random.randrange(len(data) + 1)

    def _truncated(self, data: bytes) -> bytes:
        return data[: self._at(data)]

    def _grown(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + self._random.randbytes(self._random.randint(1, 8)) + data[at:]

    def _varint(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + self._random.choice(_VARINTS) + data[at + 1 :]

    def _cut(self, data: bytes) -> bytes:
        return data[: self._at(data)] + data[self._at(data) :]

    def _doubled(self, data: bytes) -> bytes:
        return data + data[self._at(data) :] if len(data) < MOST_BYTES else data

    def _swapped(self, data: bytes) -> bytes:
        """Two neighbouring pieces change places."""
        a, b, c = sorted((self._at(data), self._at(data), self._at(data)))
        return data[:a] + data[b:c] + data[a:b] + data[c:]

    def _flipped(self, data: bytes) -> bytes:
        """Some bits turned."""
        if not data:
            return data
        turned = bytearray(data)
        for _ in range(self._random.randint(1, 4)):
            turned[self._random.randrange(len(turned))] ^= 1 << self._random.randrange(8)
        return bytes(turned)

    def _word(self, data: bytes) -> bytes:
        """A JSON value put where it does not belong."""
        at = self._at(data)
        return data[:at] + self._random.choice(_WORDS) + data[at:]


def _documents() -> list[tuple[str, dict[str, Any]]]:
    moment = "2026-02-25T06:13:20Z"
    return [
        ("loggers/l1/data", {"t": NOW_MS - 60_000, "flow": 2.5, "p": 31.2}),
        ("senml/a", {"bn": "m1:", "bt": NOW_MS / 1000 - 60, "n": "flow_m3h", "u": "m3/h", "v": 4.5, "t": 1, "bver": 10}),
        ("application/a/device/0a/event/up",
         {"deviceInfo": {"devEui": "0a"}, "time": moment, "object": {"flow_m3h": 3.5, "pressure_m": 1}, "fPort": 1}),
        ("wmbusmeters/w1",
         {"media": "water", "meter": "iperl", "name": "w1", "id": "1", "total_m3": 123.5, "timestamp": moment, "status": "OK"}),
    ]  # fmt: skip


def _header(first: int, last: int) -> bytes:
    """The bytes of a block before its readings; ``tests.support.uplink.block`` writes the same."""
    numbers = b"".join(_metric(name, number) for name, number in (
        (b"Spool/Epoch", EPOCH), (b"Spool/First", first), (b"Spool/Last", last)))  # fmt: skip
    return b"\x08" + _bytes_of(NOW_MS) + numbers


def _metric(name: bytes, number: int) -> bytes:
    body = b"\x0a" + bytes([len(name)]) + name + b"\x18" + _bytes_of(NOW_MS) + b"\x20\x08\x58" + _bytes_of(number)
    return b"\x12" + bytes([len(body)]) + body


def _bytes_of(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
