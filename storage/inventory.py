"""A site's inventory into the database: inserts and updates by key, never deletes, so that history keeps its names.

A metric that feeds another point than before is a meter swap: the old channel ends and the new one starts at the moment given.
"""

from __future__ import annotations

from datetime import datetime

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from domain.assets import Channel
from domain.errors import ConfigurationError
from domain.inventory import Inventory
from storage.database import Database
from storage.sql import queries

_Q = queries("inventory")


async def save_inventory(connection: AsyncConnection, inventory: Inventory, *, at: datetime) -> None:
    """Writes the inventory in the caller's transaction, as the owner of the schema or an administrator.

    Args:
        at: When a channel that changed its point did so.

    Raises:
        ConfigurationError: A point has readings and its resolution, quantity or kind changed: they would change their meaning.
    """
    await connection.execute(
        _Q["save_site"],
        {
            "key": inventory.site.key,
            "names": Jsonb(inventory.site.names),
            "timezone": inventory.site.calendar.timezone,
        },
    )
    await _save_zones(connection, inventory)
    await _save_points(connection, inventory)
    await _save_boundaries(connection, inventory)
    await _save_devices(connection, inventory)
    for device in inventory.devices.values():
        await _save_channels(connection, inventory.edge(device.key), device.key, device.channels, at)
    await _save_actuators(connection, inventory)


async def load_inventory(database: Database, inventory: Inventory, *, at: datetime) -> None:
    """``save_inventory`` in a transaction of its own.

    Raises:
        ConfigurationError: See ``save_inventory``.
        StorageUnavailable: The database is away.
    """
    async with database.transaction("save the inventory") as connection:
        await save_inventory(connection, inventory, at=at)


async def _save_zones(connection: AsyncConnection, inventory: Inventory) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _Q["save_zone"],
            [
                {
                    "key": zone.key,
                    "kind": zone.kind.value,
                    "names": Jsonb(zone.names),
                    "parent": zone.parent,
                    "min_pressure_m": zone.min_pressure_m,
                    "connections": zone.connections,
                    "population": zone.population,
                    "mains_km": zone.mains_km,
                    "night_use_m3h": zone.night_use_m3h,
                    "lat": zone.lat,
                    "lon": zone.lon,
                }
                for zone in inventory.zones.values()
            ],
        )


async def _save_points(connection: AsyncConnection, inventory: Inventory) -> None:
    for point in inventory.points.values():
        values = {
            "key": point.key,
            "quantity": point.quantity.value,
            "kind": point.kind.value,
            "role": point.role.value,
            "unit": point.quantity.unit,
            "resolution": point.resolution,
            "zone": point.zone,
            "low": point.low,
            "high": point.high,
            "period_s": point.period_s,
            "node": point.node,
            "x": point.x,
            "y": point.y,
        }
        row = await (await connection.execute(_Q["changed_meaning"], values)).fetchone()
        if row is not None:
            quantity, kind, resolution = row
            raise ConfigurationError(
                file="points.toml",
                key=f"point {point.key}",
                value=f"{point.quantity.value}, {point.kind.value}, resolution {point.resolution}",
                expected=f"{quantity}, {kind}, resolution {resolution}, as its stored readings have; else give it a new key",
            )
        await connection.execute(_Q["save_point"], values)


async def _save_boundaries(connection: AsyncConnection, inventory: Inventory) -> None:
    """Inlets and critical points of each zone, replaced as a whole."""
    for zone in inventory.zones.values():
        await connection.execute(
            _Q["save_inlets"],
            {"zone": zone.key, "points": [inlet.point for inlet in zone.inlets], "signs": [inlet.sign for inlet in zone.inlets]},
        )
        await connection.execute(_Q["save_critical"], {"zone": zone.key, "points": list(zone.critical_points)})


async def _save_devices(connection: AsyncConnection, inventory: Inventory) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _Q["save_gateway"],
            [
                {"edge": f"{gateway.group}/{gateway.node}", "group_id": gateway.group, "node": gateway.node, "name": gateway.name}
                for gateway in inventory.gateways.values()
            ],
        )
        await cursor.executemany(
            _Q["save_device"],
            [
                {
                    "edge": inventory.edge(device.key),
                    "key": device.key,
                    "model": device.model,
                    "unit_id": device.unit_id,
                    "period_s": device.period_s,
                }
                for device in inventory.devices.values()
            ],
        )


async def _save_channels(connection: AsyncConnection, edge: str, device: str, channels: tuple[Channel, ...], at: datetime) -> None:
    for channel in channels:
        values = {
            "edge": edge,
            "device": device,
            "metric": channel.field,
            "point": channel.point,
            "valid_from": channel.valid_from,
            "valid_to": channel.valid_to,
            "at": at,
        }
        await connection.execute(_Q["end_channel"], values)
        await connection.execute(_Q["start_channel"], values)
    await connection.execute(
        _Q["end_channels_not_listed"], {"edge": edge, "device": device, "metrics": [c.field for c in channels], "at": at}
    )


async def _save_actuators(connection: AsyncConnection, inventory: Inventory) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _Q["save_actuator"],
            [
                {
                    "key": actuator.key,
                    "edge": inventory.edge(actuator.device),
                    "device": actuator.device,
                    "field": actuator.field,
                    "zone": actuator.zone,
                    "min_m": actuator.min_m,
                    "max_m": actuator.max_m,
                    "safe_m": actuator.safe_m,
                    "lease_s": actuator.lease_s,
                    "setpoint": actuator.setpoint,
                    "outlet_pressure": actuator.outlet_pressure,
                    "inlet_pressure": actuator.inlet_pressure,
                    "flow": actuator.flow,
                }
                for actuator in inventory.actuators.values()
            ],
        )
