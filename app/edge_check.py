"""Checks of files before they go to a site: device models, gateway configurations, site folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.edge_config import EdgeConfig, edge_toml
from app.leak_network_check import check_network
from app.leak_site import load_network_points
from app.settings import BrokerSettings, ClockSettings
from app.site import load_site, read_toml
from domain.errors import ConfigurationError
from edge.bus import BusActor
from edge.device import link_device
from edge.dlms_link import MeterKeys, link_meter
from edge.settings import load_edge_settings
from protocols.dlms.counters import MemoryCounterStore
from protocols.dlms.model import parse_meter_model
from protocols.dlms.models import is_meter_model, load_meter_model, meter_model_names
from protocols.modbus.profile import load_model, model_names, parse_model

FOREIGN_GROUP = "mqtt"
"""Group of the gateways that stand for sources of other people's devices."""


def check_file(path: Path) -> str:
    """One line that says what the file is; a device model's sample frames are read with its own fields.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    document = read_toml(path)
    if document.get("protocol") == "dlms":
        kind = parse_meter_model(document, path.name)
        return f"{path.name}: {len(kind.fields)} fields of a DLMS meter, {len(document.get('sample', []))} samples as expected"
    if "field" in document:
        model = parse_model(document, path.name)
        return f"{path.name}: {len(model.fields)} fields, {len(model.samples)} sample frames as expected"
    settings = load_edge_settings(path)
    for device in settings.devices:
        if device.dlms is None:
            link_device(device, BusActor())
        else:
            link_meter(device, BusActor(), MeterKeys(counters=MemoryCounterStore()))
    return f"{path.name}: gateway {settings.edge} with {len(settings.devices)} devices"


def edge_config_text(node: str, site_folder: Path, state_dir: Path, broker: str, keys: Sequence[str]) -> str:
    """The ``edge.toml`` of one gateway of a site.

    Raises:
        ConfigurationError: No such gateway, or a broker or key that cannot be read.
    """
    inventory = load_site(site_folder)
    if node not in inventory.gateways:
        raise ConfigurationError(
            file="devices.toml", key="gateway.node", value=node, expected="one of " + ", ".join(sorted(inventory.gateways))
        )
    host, _, port = broker.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigurationError(file="command line", key="--broker", value=broker, expected="host:port, such as broker.local:1883")
    pairs = [key.partition("=") for key in keys]
    for name, _, path in pairs:
        if not name or not path:
            raise ConfigurationError(file="command line", key="--key", value=name, expected="id=path of a public key")
    config = EdgeConfig(
        node=node,
        state_dir=state_dir,
        broker=BrokerSettings(host=host, port=int(port)),
        clock=ClockSettings(),
        keys={name: Path(path) for name, _, path in pairs},
    )
    return edge_toml(config, inventory)


def check_site(folder: Path) -> str:
    """One line on a whole site; every device's model and fields are looked up too.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    inventory = load_site(folder)
    for i, device in enumerate(inventory.devices.values()):
        if inventory.gateways[device.gateway].group == FOREIGN_GROUP:
            continue  # read by the ingestor's [[foreign]] rules, not by a device model
        if device.model not in (*model_names(), *meter_model_names()):
            raise ConfigurationError(
                file="devices.toml",
                key=f"device[{i}].model",
                value=device.model,
                expected="a device model that exists: " + ", ".join((*model_names(), *meter_model_names())),
            )
        meter = is_meter_model(device.model)
        fields = load_meter_model(device.model).fields if meter else load_model(device.model).fields
        known = {field.name for field in fields}
        for channel in device.channels:
            if channel.field not in known:
                raise ConfigurationError(
                    file="devices.toml",
                    key=f"device[{i}].channels.{channel.field}",
                    value=channel.field,
                    expected=f"a field of {device.model}: " + ", ".join(sorted(known)),
                )
    network = load_network_points(folder, inventory)
    leaks = ""
    if network:
        less_sure = "".join(f"; less sure: {words}" for words in check_network(network))
        leaks = f"; leaks are placed on {len(network.zones)} pipes by {len(network.gauges)} gauges{less_sure}"
    return (
        f"{folder}: {len(inventory.zones)} zones, {len(inventory.points)} points, {len(inventory.devices)} devices, "
        f"{len(inventory.actuators)} actuators, {len(inventory.gateways)} gateways{leaks}"
    )
