"""Checks of files before they go to a site: device models, gateway configurations, site folders."""

from __future__ import annotations

from pathlib import Path

from app.site import load_site, read_toml
from domain.errors import ConfigurationError
from edge.settings import load_edge_settings
from protocols.modbus.profile import load_model, parse_model


def check_file(path: Path) -> str:
    """One line that says what the file is; a device model's sample frames are read with its own fields.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    document = read_toml(path)
    if "field" in document:
        model = parse_model(document, path.name)
        return f"{path.name}: {len(model.fields)} fields, {len(model.samples)} sample frames as expected"
    settings = load_edge_settings(path)
    for device in settings.devices:
        load_model(device.model)
    return f"{path.name}: gateway {settings.edge} with {len(settings.devices)} devices"


def check_site(folder: Path) -> str:
    """One line on a whole site; every device's model and fields are looked up too.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    inventory = load_site(folder)
    for i, device in enumerate(inventory.devices.values()):
        known = {field.name for field in load_model(device.model).fields}
        for channel in device.channels:
            if channel.field not in known:
                raise ConfigurationError(
                    file="devices.toml",
                    key=f"device[{i}].channels.{channel.field}",
                    value=channel.field,
                    expected=f"a field of {device.model}: " + ", ".join(sorted(known)),
                )
    return (
        f"{folder}: {len(inventory.zones)} zones, {len(inventory.points)} points, {len(inventory.devices)} devices, "
        f"{len(inventory.actuators)} actuators, {len(inventory.gateways)} gateways"
    )
