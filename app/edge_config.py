"""The configuration a gateway reads, made from the site's inventory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.dlms_keys import MeterAccess
from app.settings import BrokerSettings, ClockSettings
from domain.inventory import Inventory
from protocols.dlms.models import is_meter_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a device answers."""

    host: str
    port: int
    unit_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """What goes into one gateway's ``edge.toml`` beside its devices."""

    node: str
    state_dir: Path
    broker: BrokerSettings
    clock: ClockSettings
    host_id: str = "khettara"
    keys: Mapping[str, Path] = field(default_factory=dict)
    addresses: Mapping[str, Address] = field(default_factory=dict)
    """Where devices answer, if not where the inventory says."""
    history: Sequence[Path] = ()
    meters: Mapping[str, MeterAccess] = field(default_factory=dict)
    """How the gateway is let in at its DLMS meters; the public client at those not named."""
    kek_file: Path | None = None
    """Key-encryption key of the meters' key files; None leaves it to the environment."""


def edge_toml(config: EdgeConfig, inventory: Inventory) -> str:
    """The text of ``edge.toml`` for the devices behind one gateway."""
    gateway = inventory.gateways[config.node]
    lines = [
        "# Made from the site's inventory.",
        "[gateway]",
        _pair("group", gateway.group),
        _pair("node", gateway.node),
        _pair("host_id", config.host_id),
        _pair("state_dir", str(config.state_dir)),
        "",
        "[broker]",
        _pair("host", config.broker.host),
        _pair("port", config.broker.port),
    ]
    if config.broker.username:
        lines += [_pair("username", config.broker.username), _pair("password_file", str(config.broker.password_file))]
    for name in ("ca_file", "certificate_file", "key_file"):
        if path := getattr(config.broker, name):
            lines.append(_pair(name, str(path)))
    lines += ["", "[clock]", _pair("kind", config.clock.kind)]
    if config.clock.kind == "scaled":
        lines += [_pair(k, getattr(config.clock, k)) for k in ("wall_origin", "sim_origin", "speed")]
    lines += ["", "[commands]", "keys = { " + ", ".join(f"{k} = {json.dumps(str(p))}" for k, p in config.keys.items()) + " }"]
    if config.kek_file is not None:
        lines += ["", "[keys]", _pair("kek_file", str(config.kek_file))]
    lines += ["", "[history]", "files = [" + ", ".join(json.dumps(str(p)) for p in config.history) + "]"]
    for device in inventory.devices.values():
        if device.gateway == config.node:
            address = config.addresses.get(device.key) or Address(host=device.host, port=device.port, unit_id=device.unit_id)
            lines += _device(inventory, device.key, address, config.meters.get(device.key))
    return "\n".join(lines) + "\n"


def _device(inventory: Inventory, key: str, address: Address, meter: MeterAccess | None) -> list[str]:
    device = inventory.devices[key]
    lines = [
        "",
        "[[device]]",
        _pair("key", key),
        _pair("model", device.model),
        _pair("host", address.host),
        _pair("port", address.port),
        _pair("unit_id", address.unit_id),
        _pair("period_s", device.period_s),
        _pair("fields", [channel.field for channel in device.channels]),
    ]
    if is_meter_model(device.model):
        lines += ["[device.dlms]", _pair("server", address.unit_id)]
    if meter is not None:
        values = {
            "client": meter.client, "access": meter.access, "suite": meter.suite, "system_title": meter.system_title,
            "keys_file": str(meter.keys_file), "backfill_days": meter.backfill_days,
        }  # fmt: skip
        lines += [_pair(name, value) for name, value in values.items()]
    for actuator in inventory.actuators.values():
        if actuator.device == key:
            names = (
                "key", "field", "min_m", "max_m", "safe_m", "ramp_up_m", "ramp_down_m", "ramp_up_emergency_m", "min_interval_s",
                "max_moves_per_day", "lease_s",
            )  # fmt: skip
            lines += ["[[device.actuator]]", *(_pair(name, getattr(actuator, name)) for name in names)]
    return lines


def _pair(key: str, value: object) -> str:
    """``key = value``; JSON's strings, numbers and lists are TOML's."""
    return f"{key} = {json.dumps(value)}"
