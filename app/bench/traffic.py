"""What the benchmarks send, and the very rows it must become. Pure: the same arguments make the same bytes.

A fleet of gateways, each with devices of some metrics, each metric a point read once a minute. A block holds consecutive readings
of one device, minute by minute, as a gateway catching up sends them; gateways take turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.delivery import SequenceRange, Stream
from protocols.sparkplug.births import birth_metric, encode_dbirth, encode_nbirth
from protocols.sparkplug.blocks import BlockHeader, BlockReading, encode_block
from protocols.sparkplug.topics import MessageType, Topic, build

GROUP = "bench"
PERIOD_MS = 60_000
RESOLUTION = "0.01"
_PER_UNIT = 100
_EPOCH = 4_000_000_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """How many of what."""

    gateways: int = 8
    devices: int = 25
    """Of each gateway."""
    metrics: int = 10
    """Of each device."""

    @property
    def points(self) -> int:
        """Points of the whole fleet."""
        return self.gateways * self.devices * self.metrics

    def stream(self, gateway: int) -> Stream:
        """The spool of a gateway."""
        return Stream(edge=f"{GROUP}/gw-{gateway}", epoch=_EPOCH + gateway)

    def topic(self, kind: MessageType, gateway: int, device: int | None = None) -> str:
        """A topic of a gateway or of one of its devices."""
        name = None if device is None else device_name(gateway, device)
        return build(Topic(group=GROUP, message_type=kind, node=f"gw-{gateway}", device=name))

    def births(self, gateway: int, at_ms: int) -> list[tuple[str, bytes]]:
        """Topics and payloads of a gateway's birth certificates."""
        epoch = self.stream(gateway).epoch
        found = [
            (self.topic(MessageType.NBIRTH, gateway), encode_nbirth(bd_seq=0, epoch=epoch, timestamp_ms=at_ms)),
        ]
        for device in range(self.devices):
            metrics = [
                birth_metric(name=metric_name(k), alias=1 + device * self.metrics + k, value=0.0, time_ms=at_ms)
                for k in range(self.metrics)
            ]
            payload = encode_dbirth(epoch=epoch, metrics=metrics, seq=(1 + device) % 256, timestamp_ms=at_ms)
            found.append((self.topic(MessageType.DBIRTH, gateway, device), payload))
        return found

    def documents(self) -> Mapping[str, Mapping[str, Any]]:
        """The fleet as a site's inventory (``domain.inventory.build_inventory``)."""
        devices = [(g, d) for g in range(self.gateways) for d in range(self.devices)]
        return {
            "site.toml": {"site": {"key": GROUP, "names": dict.fromkeys(("fr", "ar", "en"), GROUP), "timezone": "UTC"}},
            "zones.toml": {},
            "points.toml": {
                "point": [
                    {
                        "key": _point(g, d, k),
                        "quantity": "flow",
                        "kind": "instant",
                        "role": "other",
                        "resolution": RESOLUTION,
                        "low": 0,
                        "high": 500,
                        "period_s": PERIOD_MS // 1000,
                    }
                    for g, d in devices
                    for k in range(self.metrics)
                ]
            },
            "devices.toml": {
                "gateway": [{"node": f"gw-{g}", "group": GROUP, "name": f"gw-{g}"} for g in range(self.gateways)],
                "device": [
                    {
                        "key": device_name(g, d),
                        "gateway": f"gw-{g}",
                        "model": "generic_flowmeter",
                        "unit_id": 1 + d % 247,
                        "period_s": PERIOD_MS // 1000,
                        "channels": {metric_name(k): _point(g, d, k) for k in range(self.metrics)},
                    }
                    for g, d in devices
                ],
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One block as it goes over the wire."""

    gateway: int
    topic: str
    numbers: SequenceRange
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Round:
    """The messages of one round in the order of sending, and the rows they must become, in the same order."""

    messages: list[Message]
    point: NDArray[np.int64]
    """Number of the point within the fleet, shape (N,)."""
    time_ms: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def readings(self) -> int:
        """How many rows."""
        return int(self.point.size)


class Traffic:
    """Rounds one after the other: sequence numbers and times go on where the round before ended."""

    def __init__(self, fleet: Fleet, *, start_ms: int, seed: int = 1) -> None:
        self._fleet = fleet
        self._start_ms = start_ms
        self._random = np.random.default_rng(seed)
        self._sent = [0] * fleet.gateways
        self._taken = np.zeros((fleet.gateways, fleet.devices), dtype=np.int64)
        self._turn = 0

    def round(self, *, messages: int, per_message: int) -> Round:
        """The next so many messages of so many readings each."""
        made, points, times, values = [], [], [], []
        for gateway, device in self._turns(messages):
            message, point, time_ms, counts = self._block(gateway, device, per_message)
            made.append(message)
            points.append(point)
            times.append(time_ms)
            values.append(counts)
        return Round(messages=made, point=np.concatenate(points), time_ms=np.concatenate(times), counts=np.concatenate(values))

    def _turns(self, count: int) -> Iterator[tuple[int, int]]:
        for turn in range(self._turn, self._turn + count):
            yield turn % self._fleet.gateways, turn // self._fleet.gateways % self._fleet.devices
        self._turn += count

    def _block(
        self, gateway: int, device: int, size: int
    ) -> tuple[Message, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        fleet = self._fleet
        place = self._taken[gateway, device] + np.arange(size)
        self._taken[gateway, device] += size
        metric = place % fleet.metrics
        time_ms = self._start_ms + place // fleet.metrics * PERIOD_MS
        counts = self._random.integers(0, 500 * _PER_UNIT, size)
        first = self._sent[gateway] + 1
        self._sent[gateway] += size
        numbers = SequenceRange(first=first, last=first + size - 1)
        readings = [
            BlockReading(alias=1 + device * fleet.metrics + k, time_ms=at, value=n / _PER_UNIT)
            for k, at, n in zip(metric.tolist(), time_ms.tolist(), counts.tolist(), strict=True)
        ]
        header = BlockHeader(stream=fleet.stream(gateway), range=numbers)
        payload = encode_block(header, readings, seq=0, timestamp_ms=int(time_ms[-1]))
        topic = fleet.topic(MessageType.DDATA, gateway, device)
        message = Message(gateway=gateway, topic=topic, numbers=numbers, payload=payload)
        return message, (gateway * fleet.devices + device) * fleet.metrics + metric, time_ms, counts


def point_keys(fleet: Fleet) -> list[str]:
    """Keys of the points by their number within the fleet."""
    return [_point(g, d, k) for g in range(fleet.gateways) for d in range(fleet.devices) for k in range(fleet.metrics)]


def device_name(gateway: int, device: int) -> str:
    """Name of a gateway's device."""
    return f"d-{gateway}-{device}"


def metric_name(k: int) -> str:
    """Name of a device's metric."""
    return f"flow_{k}_m3h"


def _point(gateway: int, device: int, k: int) -> str:
    return f"p{gateway}.{device}.{k}"
