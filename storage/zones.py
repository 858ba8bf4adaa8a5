"""Zones and gateways as the pages show them (ports ``ZoneReadModel``, ``FleetReadModel``, ``MeterSums``)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.ports import GatewayNow, MeterHour, ZoneNow
from storage.database import Database
from storage.sql import queries

_Q = queries("zones")


class PostgresZones:
    """``ZoneReadModel``, ``FleetReadModel``, ``MeterSums``. Fresh is judged by the zone's newest reading: no clock is read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def zones_now(self) -> Sequence[ZoneNow]:
        """One row a zone that has inlets."""
        async with self._database.transaction("read the zones") as connection:
            rows = await (await connection.execute(_Q["zones_now"])).fetchall()
        return tuple(
            ZoneNow(
                zone=zone,
                inflow_m3h=inflow,
                inflow_at=inflow_at,
                night_flow_m3h=night_flow,
                night=night,
                critical_m=critical,
                critical_at=critical_at,
                suspect=suspect,
            )
            for zone, inflow, inflow_at, night_flow, night, critical, critical_at, suspect in rows
        )

    async def gateways_now(self) -> Sequence[GatewayNow]:
        """One row a gateway that is known or has ever been seen; ``last_block_at`` is its newest observation."""
        async with self._database.transaction("read the gateways") as connection:
            rows = await (await connection.execute(_Q["gateways_now"])).fetchall()
        return tuple(
            GatewayNow(
                edge=edge,
                online=online,
                since=since,
                last_block_at=last_block_at,
                rows_stored=stored,
                dead_letters=dead,
                missing=missing,
            )
            for edge, online, since, last_block_at, stored, dead, missing in rows
        )

    async def meter_hours(self, start: datetime, end: datetime) -> Sequence[MeterHour]:
        """Sums of the customers' meters for whole hours start <= hour < end, by zone and time."""
        async with self._database.transaction("sum the customers' meters") as connection:
            rows = await (await connection.execute(_Q["meter_hours"], {"start": start, "end": end})).fetchall()
        return tuple(
            MeterHour(zone=zone, start=hour, flow_m3h=flow, reported=reported, meters=meters)
            for zone, hour, flow, reported, meters in rows
        )
