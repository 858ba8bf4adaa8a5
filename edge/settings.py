"""What a gateway is told: ``edge.toml`` as frozen values.

Every unknown key, wrong type or impossible number is a ``ConfigurationError`` that names file, key, value and what would be right.
Relative paths are relative to the folder of the file.
"""

from __future__ import annotations

import ssl
import time
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from domain.clock import ScaledClock, WallClock
from domain.errors import ConfigurationError
from domain.ports import Clock
from domain.tables import Table
from edge.clock_trust import Policy
from edge.device_settings import (
    ActuatorSettings,
    BusSettings,
    DeviceSettings,
    ReportSettings,
    parse_buses,
    parse_device,
    parse_port,
    topic_word,
)

__all__ = [
    "ActuatorSettings",
    "BrokerSettings",
    "BusSettings",
    "ClockKind",
    "ClockSettings",
    "DeviceSettings",
    "EdgeSettings",
    "ReportSettings",
    "SpoolSettings",
    "load_edge_settings",
    "parse_edge_settings",
]
from protocols.mqtt import client_context


class ClockKind(StrEnum):
    """Which clock the process lives by."""

    WALL = "wall"
    SCALED = "scaled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSettings:
    """The process clock; the three numbers belong to ``scaled`` alone."""

    kind: ClockKind = ClockKind.WALL
    wall_origin: float = 0.0
    """Wall time of the start [s since 1970 UTC]."""
    sim_origin: float = 0.0
    """Process time of the start [s since 1970 UTC]."""
    speed: float = 1.0
    unsynchronised: Policy = Policy.AUTO
    """What becomes of readings while no time service disciplines the wall clock."""
    hold_s: float = 600.0
    """With ``repair``: readings wait at most this long for the clock [wall s]."""

    def build(self) -> Clock:
        """The clock itself, over the machine's own."""
        if self.kind is ClockKind.WALL:
            return WallClock(wall=time.time)
        return ScaledClock(wall=time.time, wall_origin=self.wall_origin, sim_origin=self.sim_origin, speed=self.speed)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """The MQTT 5 broker."""

    host: str
    port: int = 1883
    username: str | None = None
    password_file: Path | None = None
    """The password is the first line of this file; it is never in the configuration."""
    ca_file: Path | None = None
    """Authority that signed the broker's certificate; TLS is used where this is set."""
    certificate_file: Path | None = None
    """The gateway's own; its common name is the node id."""
    key_file: Path | None = None

    def password(self) -> str | None:
        """The password, read now.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").splitlines()[0]
        except (OSError, IndexError) as error:
            raise ConfigurationError(
                file="edge.toml",
                key="broker.password_file",
                value=str(self.password_file),
                expected="a readable file with the password",
            ) from error

    def tls(self) -> ssl.SSLContext | None:
        """How to speak TLS with the broker, out of the files as they are now; None without.

        Raises:
            ConfigurationError: A file is missing or is not what its key says.
        """
        return client_context(ca_file=self.ca_file, certificate_file=self.certificate_file, key_file=self.key_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSettings:
    """How readings are kept and sent."""

    flush_ms: int = 250
    """Readings wait at most this long in memory before they are committed [wall ms]."""
    window_blocks: int = 64
    """At most this many blocks are on their way without a receipt."""
    block_readings: int = 200
    resend_s: float = 1.5
    """Without a receipt for this long a block is sent again [wall s]."""
    live_horizon_s: float = 900.0
    """Older readings are marked historical and yield to fresh ones [process s]."""
    keep_acked_hours: float = 72.0
    """Acknowledged blocks stay this long, to refill a restored database [process h]."""
    max_mb: int = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSettings:
    """One gateway."""

    group: str
    node: str
    host_id: str
    state_dir: Path
    broker: BrokerSettings
    clock: ClockSettings = field(default_factory=ClockSettings)
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    command_keys: tuple[tuple[str, Path], ...] = ()
    """(key id, PEM file of the public key); without any, every command is refused."""
    devices: tuple[DeviceSettings, ...] = ()
    kek_file: Path | None = None
    """Key-encryption key of the DLMS meters' key files; None takes it from the environment."""
    status_port: int | None = None
    """TCP port of the status page and the metrics, on this machine alone; None for neither."""
    history: tuple[Path, ...] = ()

    @property
    def edge(self) -> str:
        """``group/node``"""
        return f"{self.group}/{self.node}"


def load_edge_settings(path: str | Path) -> EdgeSettings:
    """Reads ``edge.toml``.

    Raises:
        ConfigurationError: The file is missing, is no TOML, or says something that cannot be.
    """
    file = Path(path)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(file=str(file), key="(file)", value=str(error), expected="a readable edge.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(file=str(file), key="(file)", value=str(error), expected="valid TOML in UTF-8") from error
    return parse_edge_settings(Table.root(file.name, document), file.resolve().parent)


def parse_edge_settings(table: Table, folder: Path) -> EdgeSettings:
    """The settings of a parsed document; relative paths start at ``folder``."""
    table.only("gateway", "broker", "clock", "spool", "commands", "bus", "device", "history", "status", "keys")
    gateway, history, commands = table.table("gateway"), table.table("history"), table.table("commands")
    status = table.table("status")
    gateway.only("group", "node", "host_id", "state_dir")
    history.only("files")
    commands.only("keys")
    status.only("port")
    table.table("keys").only("kek_file")
    kek_file = table.table("keys").text("kek_file", None)
    buses = parse_buses(table)
    devices = tuple(parse_device(t, buses, folder) for t in table.tables("device"))
    _unique(table, "device", [d.key for d in devices])
    _unique(table, "device.actuator", [a.key for d in devices for a in d.actuators])
    return EdgeSettings(
        group=topic_word(gateway, "group"),
        node=topic_word(gateway, "node"),
        host_id=gateway.text("host_id", "khettara"),
        state_dir=folder / gateway.text("state_dir"),
        broker=_broker(table.table("broker"), folder),
        clock=_clock(table.table("clock")),
        spool=_spool(table.table("spool")),
        command_keys=tuple((key, folder / file) for key, file in commands.mapping("keys").items()),
        devices=devices,
        kek_file=None if kek_file is None else folder / kek_file,
        status_port=parse_port(status, 9105) if "status" in table.data else None,
        history=tuple(folder / file for file in history.texts("files")),
    )


def _broker(table: Table, folder: Path) -> BrokerSettings:
    table.only("host", "port", "username", "password_file", "ca_file", "certificate_file", "key_file")

    def file(key: str) -> Path | None:
        name = table.text(key, None)
        return None if name is None else folder / name

    return BrokerSettings(
        host=table.text("host"),
        port=parse_port(table, 1883),
        username=table.text("username", None),
        password_file=file("password_file"),
        ca_file=file("ca_file"),
        certificate_file=file("certificate_file"),
        key_file=file("key_file"),
    )


def _clock(table: Table) -> ClockSettings:
    table.only("kind", "wall_origin", "sim_origin", "speed", "unsynchronised", "hold_s")
    kind = table.word("kind", ClockKind, ClockKind.WALL)
    if kind is ClockKind.WALL:
        table.only("kind", "unsynchronised", "hold_s")
        return ClockSettings(
            unsynchronised=table.word("unsynchronised", Policy, Policy.AUTO), hold_s=table.number("hold_s", 600.0, low=0.0)
        )
    table.only("kind", "wall_origin", "sim_origin", "speed")
    return ClockSettings(
        kind=kind,
        wall_origin=_moment(table, "wall_origin"),
        sim_origin=_moment(table, "sim_origin"),
        speed=table.number("speed", 60.0, low=1.0),
    )


def _moment(table: Table, key: str) -> float:
    """Seconds since 1970 UTC, from a number or an offset date-time."""
    value = table.data.get(key)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise table.wrong(key, value, "a date-time with its offset, such as 2026-03-01T00:00:00Z")
        return value.astimezone(UTC).timestamp()
    return float(table.number(key))


def _spool(table: Table) -> SpoolSettings:
    table.only("flush_ms", "window_blocks", "block_readings", "resend_s", "live_horizon_s", "keep_acked_hours", "max_mb")
    default = SpoolSettings()
    readings = table.integer("block_readings", default.block_readings, low=1)
    if readings > 5000:
        raise table.wrong("block_readings", readings, "a whole number from 1 to 5000")
    return SpoolSettings(
        flush_ms=table.integer("flush_ms", default.flush_ms, low=1),
        window_blocks=table.integer("window_blocks", default.window_blocks, low=2),
        block_readings=readings,
        resend_s=table.number("resend_s", default.resend_s, low=0.05),
        live_horizon_s=table.number("live_horizon_s", default.live_horizon_s, low=1.0),
        keep_acked_hours=table.number("keep_acked_hours", default.keep_acked_hours, low=0.0),
        max_mb=table.integer("max_mb", default.max_mb, low=1),
    )


def _unique(table: Table, path: str, keys: list[str]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise table.wrong(f"{path}.key", key, "a key that no other entry has")
