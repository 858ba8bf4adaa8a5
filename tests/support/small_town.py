"""The small network as a site: its folder, its inventory, its recording in a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from psycopg import AsyncConnection

from app.site import load_site
from domain.inventory import Inventory
from storage.inventory import save_inventory
from tests.support.small_network import GAUGES, METER, STEP_S, write_network

START = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = "garden"
_RESOLUTION = 0.001


def at(day: float) -> datetime:
    """A moment of the recording."""
    return START + timedelta(days=day)


def write_town(folder: Path) -> Inventory:
    """Writes the site's files, ``leaks.toml`` and the network."""
    write_network(folder / "small.inp")
    points = [_point("main.flow", "flow", "inflow"), *(_point(f"{g.lower()}.pressure", "pressure", "other") for g in GAUGES)]
    (folder / "site.toml").write_text('[site]\nkey = "small"\nnames = { en = "Small" }\ntimezone = "UTC"\n')
    (folder / "zones.toml").write_text(
        f'[[zone]]\nkey = "{ZONE}"\nkind = "dma"\nnames = {{ en = "Garden" }}\ninlets = [{{ point = "main.flow", sign = 1 }}]\n'
    )
    (folder / "points.toml").write_text("\n".join(points))
    (folder / "devices.toml").write_text("")
    gauges = "\n".join(f'"{g.lower()}.pressure" = "{g}"' for g in GAUGES)
    (folder / "leaks.toml").write_text(f'network = "small.inp"\n[gauges]\n{gauges}\n[meters]\n"main.flow" = "{METER}"\n')
    return load_site(folder)


def _point(key: str, quantity: str, role: str) -> str:
    return (
        f'[[point]]\nkey = "{key}"\nquantity = "{quantity}"\nrole = "{role}"\nresolution = "{_RESOLUTION}"\n'
        f'zone = "{ZONE}"\nperiod_s = {STEP_S}\n'
    )


async def store(dsn: str, inventory: Inventory, pressure_m: np.ndarray, flow_m3h: np.ndarray) -> None:
    """Puts inventory and recording into a database; NaN is no reading."""
    columns = {"main.flow": flow_m3h[:, 0]} | {f"{g.lower()}.pressure": pressure_m[:, k] for k, g in enumerate(GAUGES)}
    async with await AsyncConnection.connect(dsn) as connection:
        await save_inventory(connection, inventory, at=START)
        end = START + timedelta(seconds=STEP_S * len(pressure_m))
        await connection.execute("SELECT ensure_reading_partitions(%s, %s)", (START, end))
        known: dict[str, int] = dict(await (await connection.execute("SELECT key, point_id FROM point")).fetchall())
        cursor = connection.cursor()
        async with cursor.copy("COPY reading (time, value, point_id, quality) FROM STDIN") as copy:
            for key, values in columns.items():
                for k, value in enumerate(values):
                    if np.isfinite(value):
                        moment = START + timedelta(seconds=STEP_S * k)
                        await copy.write_row((moment, round(float(value) / _RESOLUTION), known[key], 0))
