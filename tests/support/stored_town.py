"""A town of two zones, one behind the other, as small as the tests of storage need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from domain.delivery import NULL_COUNT, BlockRows, DeadLetter, SequenceRange, Stream
from domain.inventory import Inventory, build_inventory

START = datetime(2026, 5, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
MINUTE_MS = 60_000
STREAM = Stream(edge="town/gw-1", epoch=4_611_686_018_427_387_903)
OTHER = Stream(edge="town/gw-2", epoch=7)


def documents() -> dict[str, Any]:
    """The site's files as parsed TOML."""
    return {
        "site.toml": {"site": {"key": "town", "names": {"en": "Town"}, "timezone": "Africa/Casablanca"}},
        "zones.toml": {
            "zone": [
                _zone("town", "commune"),
                _zone(
                    "upper", "dma", parent="town", critical=["upper.low"],
                    inlets=[_inlet("upper.flow", 1), _inlet("lower.flow", -1)],
                ),
                _zone("lower", "dma", parent="town", inlets=[_inlet("lower.flow", 1)]),
            ]
        },
        "points.toml": {
            "point": [
                _point("upper.flow", "flow", "inflow", "upper", "0.01"),
                _point("lower.flow", "flow", "inflow", "lower", "0.01"),
                _point("upper.low", "pressure", "critical_pressure", "upper", "0.01"),
                _point("upper.setpoint", "pressure", "setpoint", "upper", "0.01"),
                _point("upper.outlet", "pressure", "outlet_pressure", "upper", "0.01"),
                _point("plant.energy", "energy", "pump_energy", None, "0.00036"),
                _point("plant.flow", "flow", "pump_flow", None, "0.01"),
            ]
        },
        "devices.toml": {
            "gateway": [{"node": "gw-1", "group": "town", "name": "North"}, {"node": "gw-2", "group": "town", "name": "South"}],
            "device": [
                {"key": "meter", "gateway": "gw-1", "model": "flowmeter", "channels": {"flow_m3h": "upper.flow"}},
                {"key": "valve", "gateway": "gw-1", "model": "prv", "channels": {"setpoint_m": "upper.setpoint"}},
                {"key": "meter2", "gateway": "gw-2", "model": "flowmeter", "channels": {"flow_m3h": "lower.flow"}},
            ],
            "actuator": [
                {
                    "key": "prv", "device": "valve", "zone": "upper", "min_m": 15.0, "max_m": 60.0, "safe_m": 40.0,
                    "setpoint": "upper.setpoint", "outlet_pressure": "upper.outlet", "flow": "upper.flow",
                },
            ],
        },
    }  # fmt: skip


def town(change: Mapping[str, Any] | None = None) -> Inventory:
    """The inventory; ``change`` replaces whole documents."""
    return build_inventory(documents() | dict(change or {}))


def block(
    sequence: Sequence[int],
    *,
    stream: Stream | None = STREAM,
    point_id: int | Sequence[int] = 1,
    times_ms: Sequence[int] | None = None,
    counts: Sequence[int | None] | None = None,
    quality: int | Sequence[int] = 0,
    dead: tuple[DeadLetter, ...] = (),
    edge: str = "",
) -> BlockRows:
    """A block with one reading a minute from ``START``: number n at minute n, unless told otherwise."""
    numbers = np.array(sequence, dtype=np.int64)
    size = numbers.size
    values = [100 + n for n in sequence] if counts is None else counts
    return BlockRows(
        stream=stream,
        range=SequenceRange(first=int(numbers.min()), last=int(numbers.max())) if size and stream else None,
        sequence=numbers,
        point_id=np.broadcast_to(np.array(point_id, dtype=np.int32), (size,)).copy(),
        time_ms=START_MS + numbers * MINUTE_MS if times_ms is None else np.array(times_ms, dtype=np.int64),
        counts=np.array([NULL_COUNT if v is None else v for v in values], dtype=np.int64),
        quality=np.broadcast_to(np.array(quality, dtype=np.int16), (size,)).copy(),
        dead=dead,
        edge=edge,
    )


def _zone(key: str, kind: str, *, critical: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": kind, "names": {"en": key}, "critical_points": list(critical), **more}


def _inlet(point: str, sign: int) -> dict[str, Any]:
    return {"point": point, "sign": sign}


def _point(key: str, quantity: str, role: str, zone: str | None, resolution: str) -> dict[str, Any]:
    place = {} if zone is None else {"zone": zone}
    return {"key": key, "quantity": quantity, "role": role, "resolution": resolution, **place}
