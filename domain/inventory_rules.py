"""Rules between the tables of a site: what each names must exist, and be named once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from domain.assets import Actuator, Device, Gateway
from domain.errors import ConfigurationError
from domain.points import Point, PointKey, PointKind
from domain.quantities import Quantity
from domain.tables import closest
from domain.zones import BoundaryValve, Zone, ZoneKind


def check_references(
    zones: Mapping[str, Zone],
    points: Mapping[PointKey, Point],
    gateways: Mapping[str, Gateway],
    devices: Mapping[str, Device],
    actuators: Mapping[str, Actuator],
) -> None:
    """Refuses an inventory whose parts do not fit together.

    Raises:
        ConfigurationError: At the first thing that does not fit.
    """
    _zones(zones, points)
    for i, point in enumerate(points.values()):
        if point.zone is not None:
            _exists("points.toml", f"point[{i}].zone", point.zone, zones, "zone")
    _devices(devices, gateways, points)
    for i, actuator in enumerate(actuators.values()):
        at = f"actuator[{i}]"
        _exists("devices.toml", f"{at}.device", actuator.device, devices, "device")
        _exists("devices.toml", f"{at}.zone", actuator.zone, zones, "zone")
        for name in ("setpoint", "outlet_pressure", "inlet_pressure", "flow"):
            value = getattr(actuator, name)
            if value is not None:
                _exists("devices.toml", f"{at}.{name}", value, points, "point")


def check_boundaries(valves: Sequence[BoundaryValve], zones: Mapping[str, Zone]) -> None:
    """Refuses valves between zones that do not exist, and a pair of zones named twice.

    Raises:
        ConfigurationError: At the first of them.
    """
    pairs: dict[tuple[str, str], int] = {}
    for i, valve in enumerate(valves):
        at = f"boundary_valve[{i}].zones"
        for zone in valve.zones:
            _exists("zones.toml", at, zone, zones, "zone")
        if valve.zones in pairs:
            raise ConfigurationError(
                file="zones.toml",
                key=at,
                value=list(valve.zones),
                expected=f"a pair of zones named once; boundary_valve[{pairs[valve.zones]}] names it already",
            )
        pairs[valve.zones] = i


def _zones(zones: Mapping[str, Zone], points: Mapping[PointKey, Point]) -> None:
    for i, zone in enumerate(zones.values()):
        at = f"zone[{i}]"
        if zone.parent is not None:
            _exists("zones.toml", f"{at}.parent", zone.parent, zones, "zone")
            _no_cycle(zone, zones, at)
        if zone.kind is ZoneKind.DMA and not any(inlet.sign > 0 for inlet in zone.inlets):
            raise ConfigurationError(
                file="zones.toml",
                key=f"{at}.inlets",
                value=[i.point for i in zone.inlets],
                expected=f"at least one entering inlet for the DMA {zone.key!r}, "
                f'for example inlets = [{{point = "{zone.key}.inlet.flow", sign = 1}}]',
            )
        for j, inlet in enumerate(zone.inlets):
            _exists("zones.toml", f"{at}.inlets[{j}].point", inlet.point, points, "point")
            if points[inlet.point].quantity is not Quantity.FLOW:
                raise ConfigurationError(
                    file="zones.toml", key=f"{at}.inlets[{j}].point", value=inlet.point, expected="a point that measures flow"
                )
        for j, point in enumerate(zone.critical_points):
            _exists("zones.toml", f"{at}.critical_points[{j}]", point, points, "point")


def _no_cycle(zone: Zone, zones: Mapping[str, Zone], at: str) -> None:
    seen, parent = {zone.key}, zone.parent
    while parent is not None:
        if parent in seen:
            raise ConfigurationError(
                file="zones.toml", key=f"{at}.parent", value=zone.parent, expected="a parent that is not below the zone itself"
            )
        seen.add(parent)
        parent = zones[parent].parent if parent in zones else None


def _devices(devices: Mapping[str, Device], gateways: Mapping[str, Gateway], points: Mapping[PointKey, Point]) -> None:
    fed: dict[PointKey, str] = {}
    for i, device in enumerate(devices.values()):
        at = f"device[{i}]"
        _exists("devices.toml", f"{at}.gateway", device.gateway, gateways, "gateway")
        for channel in device.channels:
            key = f"{at}.channels.{channel.field}"
            _exists("devices.toml", key, channel.point, points, "point")
            if channel.point in fed:
                raise ConfigurationError(
                    file="devices.toml",
                    key=key,
                    value=channel.point,
                    expected=f"a point fed by one device only; {fed[channel.point]!r} feeds it already",
                )
            fed[channel.point] = device.key
            point = points[channel.point]
            suffix = point.quantity.suffix
            if suffix and not channel.field.endswith(suffix) and point.kind is not PointKind.REGISTER:
                raise ConfigurationError(
                    file="devices.toml",
                    key=key,
                    value=channel.point,
                    expected=f"a point in the unit of the field; {channel.point!r} is in {point.quantity.unit} ({suffix})",
                )


def _exists(file: str, key: str, value: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if value in names:
        return
    near = closest(value, names)
    hint = f"; did you mean {near!r}?" if near else ""
    raise ConfigurationError(file=file, key=key, value=value, expected=f"a {what} that exists{hint}")
