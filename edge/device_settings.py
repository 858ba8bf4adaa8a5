"""What ``edge.toml`` says of the field: buses, devices, actuators and what of a device is reported. See ``edge.settings``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.tables import Table
from edge.dlms_settings import DEFAULT_PORT, DlmsSettings, parse_dlms
from protocols.dlms.models import is_meter_model

_BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActuatorSettings:
    """The edge's own limits for one writable field: the last line before the valve. Pressures in metres of head."""

    key: str
    device: str
    field: str
    min_m: float
    max_m: float
    safe_m: float
    """The site's own safe setpoint, taken when a lease ends."""
    ramp_up_m: float
    """Largest step towards higher pressure in one command."""
    ramp_down_m: float
    """Largest step towards lower pressure in one command."""
    min_interval_s: float
    """Least time between two moves [process s]."""
    lease_s: float
    """Longest lease a command may take [process s]."""
    ramp_up_emergency_m: float = 5.0
    """Largest step towards higher pressure of a command given in a confirmed emergency."""
    max_moves_per_day: int = 48
    """After so many moves in 24 h the valve is not lowered any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSettings:
    """One RTU line: a serial port, or a serial server that speaks RTU over TCP."""

    key: str
    serial: str | None = None
    """Path of the port; None for a serial server."""
    host: str = ""
    port: int = 0
    baud: int = 9600
    parity: str = "E"
    stop_bits: int = 1
    quiet_s: float = 1.0
    """How long a unit that owed an answer is left alone [wall s]; longer than its slowest answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """Report by exception: a field within its deadband is not spooled until the heartbeat. Fields not named are always spooled."""

    deadband: tuple[tuple[str, float], ...] = ()
    """(field, least change in its canonical unit)"""
    deadband_pct: tuple[tuple[str, float], ...] = ()
    """(field, least change in per cent of the value reported last)"""
    heartbeat_s: float = 900.0
    """After this long a value is spooled again, changed or not [process s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """One Modbus device, at an address of its own or on a bus; or a DLMS meter."""

    key: str
    model: str
    host: str = ""
    port: int = 0
    bus: BusSettings | None = None
    """The RTU line it hangs on; None for Modbus TCP at ``host`` and ``port``."""
    unit_id: int
    period_s: float
    """Time between two polls [process s]."""
    timeout_s: float = 2.0
    """Longest wait for one answer [wall s]."""
    fields: tuple[str, ...] = ()
    """Fields to read; empty is every readable field of the model."""
    billing: bool = False
    """Polled at full multiples of its period, and before the others."""
    report: ReportSettings | None = None
    """None: every value of every poll is spooled."""
    actuators: tuple[ActuatorSettings, ...] = ()
    dlms: DlmsSettings | None = None
    """How a DLMS meter is spoken to; None for Modbus."""


def parse_buses(tables: Table) -> dict[str, BusSettings]:
    """The ``[[bus]]`` tables by key."""
    buses: dict[str, BusSettings] = {}
    for table in tables.tables("bus"):
        found = _bus(table)
        if found.key in buses:
            raise table.wrong("key", found.key, "a key that no other bus has")
        buses[found.key] = found
    return buses


def _bus(table: Table) -> BusSettings:
    table.only("key", "serial", "host", "port", "baud", "parity", "stop_bits", "quiet_s")
    serial = table.text("serial", None)
    if (serial is None) == ("host" not in table.data):
        raise table.wrong("serial", serial, "either serial, the path of a port, or host and port of a serial server")
    baud, stop_bits = table.integer("baud", 9600), table.integer("stop_bits", 1, low=1)
    parity = table.text("parity", "E")
    if baud not in _BAUDS:
        raise table.wrong("baud", baud, "one of " + ", ".join(map(str, _BAUDS)))
    if parity not in ("N", "E", "O"):
        raise table.wrong("parity", parity, "N, E or O")
    if stop_bits > 2:
        raise table.wrong("stop_bits", stop_bits, "1 or 2")
    return BusSettings(
        key=table.text("key"),
        serial=serial,
        host="" if serial else table.text("host"),
        port=0 if serial else parse_port(table, 502),
        baud=baud,
        parity=parity,
        stop_bits=stop_bits,
        quiet_s=table.number("quiet_s", 1.0, low=0.05),
    )


def parse_device(table: Table, buses: Mapping[str, BusSettings], folder: Path = Path()) -> DeviceSettings:
    """One ``[[device]]``; relative paths start at ``folder``."""
    table.only(
        "key", "model", "host", "port", "bus", "unit_id", "period_s", "timeout_s", "fields", "billing", "report", "actuator", "dlms"
    )  # fmt: skip
    key = topic_word(table, "key")
    unit_id = table.integer("unit_id", 1, low=0)
    if unit_id > 255:
        raise table.wrong("unit_id", unit_id, "a whole number from 0 to 255")
    bus = _bus_of(table, buses)
    billing = table.data.get("billing", False)
    if not isinstance(billing, bool):
        raise table.wrong("billing", billing, "true or false")
    model: str = table.text("model")
    dlms = parse_dlms(table.table("dlms"), folder) if is_meter_model(model) else None
    if dlms is None and "dlms" in table.data:
        raise table.wrong("model", model, "a model whose name begins with dlms_, since there is a [device.dlms]")
    if dlms is not None and (given := {"bus", "report"} & table.data.keys()):
        raise table.wrong(min(given), table.data[min(given)], "no such key for a DLMS meter")
    serial = None if dlms is None else dlms.serial
    if serial is not None and (given := {"host", "port"} & table.data.keys()):
        raise table.wrong(min(given), table.data[min(given)], "no host and port beside dlms.serial")
    return DeviceSettings(
        key=key,
        model=model,
        # Meters of one port share its queue: the port's path stands where the others have their address.
        host="" if bus else serial or table.text("host"),
        port=0 if bus or serial else parse_port(table, 502 if dlms is None else DEFAULT_PORT),
        bus=bus,
        unit_id=unit_id,
        period_s=table.number("period_s", 60.0, low=0.01),
        timeout_s=table.number("timeout_s", 2.0, low=0.01),
        fields=table.texts("fields"),
        billing=billing,
        report=_report(table.table("report")) if "report" in table.data else None,
        actuators=tuple(_actuator(t, key) for t in table.tables("actuator")),
        dlms=dlms,
    )


def _bus_of(table: Table, buses: Mapping[str, BusSettings]) -> BusSettings | None:
    key = table.text("bus", None)
    if key is None:
        return None
    if "host" in table.data or "port" in table.data:
        raise table.wrong("bus", key, "no host and port beside it: the bus has them")
    if key not in buses:
        raise table.wrong("bus", key, "the key of a [[bus]]: " + (", ".join(buses) or "there is none"))
    return buses[key]


def _report(table: Table) -> ReportSettings:
    table.only("deadband", "deadband_pct", "heartbeat_s")
    return ReportSettings(
        deadband=_bands(table, "deadband"),
        deadband_pct=_bands(table, "deadband_pct"),
        heartbeat_s=table.number("heartbeat_s", 900.0, low=1.0),
    )


def _bands(table: Table, key: str) -> tuple[tuple[str, float], ...]:
    bands = table.table(key)
    data: Mapping[str, Any] = bands.data
    return tuple((field, bands.number(field, low=0.0)) for field in data)


def _actuator(table: Table, device: str) -> ActuatorSettings:
    table.only(
        "key", "field", "min_m", "max_m", "safe_m", "ramp_up_m", "ramp_down_m", "ramp_up_emergency_m", "min_interval_s",
        "max_moves_per_day", "lease_s",
    )  # fmt: skip
    for name, value in table.data.items():  # TOML knows nan and inf, and a limit that is nan would stop nothing
        if isinstance(value, float) and not math.isfinite(value):
            raise table.wrong(name, value, "a finite number")
    low = table.number("min_m")
    high = table.number("max_m", low=low)
    return ActuatorSettings(
        key=table.text("key"),
        device=device,
        field=table.text("field"),
        min_m=low,
        max_m=high,
        safe_m=table.number("safe_m", low=low, high=high),
        ramp_up_m=table.number("ramp_up_m", low=0.0),
        ramp_down_m=table.number("ramp_down_m", low=0.0),
        min_interval_s=table.number("min_interval_s", low=0.0),
        lease_s=table.number("lease_s", low=1.0),
        ramp_up_emergency_m=table.number("ramp_up_emergency_m", 5.0, low=0.0),
        max_moves_per_day=table.integer("max_moves_per_day", 48, low=1),
    )


def parse_port(table: Table, default: int) -> int:
    """A TCP port."""
    port: int = table.integer("port", default, low=1)
    if port > 65535:
        raise table.wrong("port", port, "a TCP port from 1 to 65535")
    return port


def topic_word(table: Table, key: str) -> str:
    """A word that may stand between the slashes of a topic."""
    word: str = table.text(key)
    if any(c in word for c in "/+#\0"):
        raise table.wrong(key, word, "a name without '/', '+' and '#', as it becomes part of an MQTT topic")
    return word
