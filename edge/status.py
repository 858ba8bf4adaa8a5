"""``status.json`` in the state folder: what the gateway knows of itself, once a second, for people and for other processes.

``edge.page`` shows the same document, and its numbers as metrics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge.executor import CommandCounters
from edge.health import Breaker
from edge.poller import PollCounters
from edge.publisher import PublishCounters
from edge.reload import ReloadStatus
from edge.spool import SpoolStats
from edge.timekeeper import ClockStatus
from edge.uplink import UplinkCounters


def status(
    *,
    edge: str,
    at: str,
    final: bool,
    spool: SpoolStats,
    uplink: UplinkCounters,
    host_online: bool,
    receipt_lag_s: float,
    published: PublishCounters,
    polls: PollCounters,
    commands: CommandCounters,
    devices: Mapping[str, Breaker],
    absent: Mapping[str, Sequence[str]] | None = None,
    reload: ReloadStatus | None = None,
    meters: Mapping[str, Any] | None = None,
    clock: ClockStatus | None = None,
) -> dict[str, Any]:
    """The document: counts of readings in ``spooled``, ``acked``, ``depth_readings`` and ``dropped``."""
    return {
        "edge": edge,
        "at": at,
        "final": final,
        **asdict(spool),
        "connected": uplink.connected,
        "host_online": host_online,
        "connects": uplink.connects,
        "receipts": uplink.receipts,
        "receipt_lag_s": round(receipt_lag_s, 1),
        "undecodable": uplink.undecodable,
        "denied": dict(uplink.denied),
        **asdict(published),
        "polls": asdict(polls),
        "commands": asdict(commands),
        "devices": {
            "reached": sum(breaker is Breaker.CLOSED for breaker in devices.values()),
            "unreached": sorted(key for key, breaker in devices.items() if breaker is not Breaker.CLOSED),
            "breakers": {key: breaker.value for key, breaker in sorted(devices.items())},
            "absent_fields": {key: list(fields) for key, fields in sorted((absent or {}).items())},
        },
        "meters": dict(meters or {}),
        "clock": None if clock is None else asdict(clock),
        "configuration": None if reload is None else asdict(reload),
    }


def write_status(path: Path, document: Mapping[str, Any]) -> None:
    """Replaces the file in one step: a reader sees the old one or the new one, whole."""
    fresh = path.with_suffix(".tmp")
    fresh.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(path)
