"""``khettara zones balance``: what a month of each zone lost, by its meters and by its nights, and where a crew gains most."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from app.demo.layout import Layout
from app.local import LocalServices
from app.settings import load_settings
from app.site import demo_site, load_site
from app.whole_tables import print_whole
from domain.errors import ConfigurationError
from domain.inventory import Inventory
from domain.points import PointKey
from domain.series import FloatArray, local_days_and_minutes, on_grid
from domain.zones import Zone
from leak_detection.night_flow import minimum_night_flows
from leak_detection.water_balance import Recoverable, rank_by_yield
from leak_detection.zone_month import ZoneHours, ZoneMonth, zone_month
from storage.database import Database
from storage.roles import Role
from storage.series import PostgresSeries
from storage.zones import PostgresZones

_STEP_S = 900.0


def run_zones_balance(
    data: Path | None, config: Path | None, site: Path | None, month: str | None, *, as_json: bool, console: Console
) -> None:
    """Prints the balance of every zone with inlets.

    Args:
        data: Data folder of a demonstration.
        config: Settings of a running system, where there is no data folder.
        site: Folder of the site's files; that of the settings, or the demonstration's, by default.
        month: ``2026-05``, local time; the last 30 days that have readings by default.
        as_json: JSON on standard output instead of tables.
        console: Where the tables go.

    Raises:
        ConfigurationError: No database there, or the month cannot be read.
    """
    with ExitStack() as stack:
        if data is not None:
            if not (data / "postgres").is_dir():
                raise ConfigurationError(file=str(data), key="--data", value="no database there", expected="the folder of a demo")
            services = stack.enter_context(LocalServices(layout=Layout(root=data)))
            services.start_database(None)
            dsn, inventory = services.dsn(Role.ANALYTICS), load_site(site or demo_site())
        else:
            settings = load_settings(config)
            dsn, inventory = settings.database.of("analytics"), load_site(site or settings.site.folder)
        months = asyncio.run(_ask(dsn, inventory, month))
    if not any(m.known_share for m in months):
        raise ConfigurationError(
            file="database", key="--month", value=month, expected="a month with readings; there is not one inflow in this one"
        )
    if as_json:
        print(json.dumps(as_document(inventory, months), indent=2, ensure_ascii=False))
    else:
        for table in as_tables(inventory, months):
            print_whole(console, table)
        for line in _notes(months):
            console.print(line, highlight=False, soft_wrap=True)


async def _ask(dsn: str, inventory: Inventory, month: str | None) -> list[ZoneMonth]:
    async with Database(dsn, size=1) as database:
        source, sums = PostgresSeries(database), PostgresZones(database)
        start, end = _span(month, inventory) if month else await _last_days(source, inventory)
        meters: dict[str, dict[float, tuple[float, int]]] = {}
        for row in await sums.meter_hours(start, end):
            flow = row.flow_m3h * row.meters / row.reported
            meters.setdefault(row.zone, {})[row.start.timestamp()] = (flow, row.meters)
        found = []
        for zone in inventory.metered_zones():
            points = [i.point for i in zone.inlets] + list(zone.critical_points)
            rows = await source.series(points, start, end, step_s=round(_STEP_S))
            size = round((end - start).total_seconds() / _STEP_S)
            grids = {p: on_grid(s, start.timestamp(), _STEP_S, size) for p, s in rows.items()}
            found.append(_month_of(zone, inventory, grids, meters.get(zone.key, {}), start))
    return found


def _month_of(
    zone: Zone, inventory: Inventory, grids: dict[PointKey, FloatArray], meters: dict[float, tuple[float, int]], start: datetime
) -> ZoneMonth:
    size = len(next(iter(grids.values())))
    enters = _sum([grids[i.point] for i in zone.inlets if i.sign > 0], size)
    leaves = _sum([grids[i.point] for i in zone.inlets if i.sign < 0], size)
    pressures = np.array([grids[p] for p in zone.critical_points]) if zone.critical_points else np.full((1, size), np.nan)
    known = np.isfinite(pressures).all(axis=0)
    pressure = np.where(known, np.where(known, pressures, 0.0).mean(axis=0), np.nan)
    net = enters - leaves
    times = start.timestamp() + _STEP_S * np.arange(size, dtype=np.float64)
    day, minute = local_days_and_minutes(times, inventory.site.calendar.zone)
    nights = minimum_night_flows(
        net, day, minute, start_s=start.timestamp(), step_s=_STEP_S, complete_until_s=start.timestamp() + size * _STEP_S
    )
    hours = [start.timestamp() + 3600.0 * k for k in range(size * round(_STEP_S) // 3600)]
    return zone_month(
        zone,
        ZoneHours(
            inflow_m3h=_hours(enters),
            outflow_m3h=_hours(leaves),
            meters_m3h=np.array([meters[h][0] if h in meters else np.nan for h in hours]),
            meters=max((count for _, count in meters.values()), default=0),
            pressure_m=_hours(pressure),
        ),
        nights,
    )


def _sum(flows: list[FloatArray], size: int) -> FloatArray:
    return np.asarray(np.sum(flows, axis=0), dtype=np.float64) if flows else np.zeros(size)


def _hours(values: FloatArray) -> FloatArray:
    table = values[: values.size // 4 * 4].reshape(-1, 4)
    known = np.isfinite(table)
    count = known.sum(axis=1)
    return np.where(count >= 2, np.where(known, table, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _span(month: str, inventory: Inventory) -> tuple[datetime, datetime]:
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=inventory.site.calendar.zone)
    except ValueError:
        raise ConfigurationError(file="command line", key="--month", value=month, expected="a month such as 2026-05") from None
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first.astimezone(UTC), after.astimezone(UTC)


async def _last_days(source: PostgresSeries, inventory: Inventory) -> tuple[datetime, datetime]:
    """The last 30 local days that the database's newest inlet reading allows."""
    newest = await source.latest([i.point for z in inventory.metered_zones() for i in z.inlets])
    if not newest:
        raise ConfigurationError(file="database", key="inflow", value="no reading", expected="readings of the zones' inlets")
    last = max(r.observed_at for r in newest.values()).astimezone(inventory.site.calendar.zone)
    end = last.replace(hour=0, minute=0, second=0, microsecond=0)
    oldest = await source.series(
        [i.point for z in inventory.metered_zones() for i in z.inlets], end - timedelta(days=30), end, 86400
    )
    first = min((float(s.seconds[0]) for s in oldest.values() if len(s)), default=end.timestamp() - 30 * 86400.0)
    start = max(end - timedelta(days=30), datetime.fromtimestamp(first, UTC).astimezone(inventory.site.calendar.zone))
    start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return start.astimezone(UTC), end.astimezone(UTC)


def ranking(inventory: Inventory, months: list[ZoneMonth]) -> tuple[Recoverable, ...]:
    """Zones by recoverable m³ a day per money of a survey, or per kilometre of main where that has no price."""
    price = inventory.site.factors.survey
    per_km = price.value if price is not None else 1.0
    return rank_by_yield(
        tuple(
            Recoverable(zone=m.zone, m3_a_day=m.recoverable_m3_day, cost=per_km * inventory.zones[m.zone].mains_km)
            for m in months
            if m.recoverable_m3_day is not None
        )
    )


def as_tables(inventory: Inventory, months: list[ZoneMonth]) -> list[Table]:
    """For a terminal: the balance against the meters, and the losses by the nights with their rank."""
    above = Table(title="Against the customers' meters, m³ ± 95 % band")
    for name in ("zone", "days", "input", "billed metered", "billed unmetered", "NRW", "real losses", "yield"):
        above.add_column(name, justify="left" if name == "zone" else "right")
    for m in months:
        b = m.balance
        entered = "–" if m.system_input is None else _volume(m.system_input)
        parts: tuple[str, ...] = ("–",) * 5
        if b is not None:
            parts = (*map(_volume, (b.billed_metered, b.billed_unmetered, b.non_revenue, b.real_losses)), f"{b.system_yield:.0%}")
        above.add_row(m.zone, f"{m.days:.0f}", entered, *parts)
    below = Table(title="By the nights, m³ a day ± 95 % band; best places for a crew first")
    price = inventory.site.factors.water
    money = "money a day" if price is None else f"{price.unit.partition('/')[0]} a day"
    for name in ("rank", "zone", "real losses", "UARL", "ILI", "recoverable", money, "kg CO₂ a day", "pressure m"):
        below.add_column(name, justify="left" if name == "zone" else "right")
    by_zone, order = {m.zone: m for m in months}, ranking(inventory, months)
    ranks = {r.zone: k for k, r in enumerate(order, 1)}
    for zone in [r.zone for r in order] + [m.zone for m in months if m.zone not in ranks]:
        m = by_zone[zone]
        loss, factors = m.night_loss_m3_day, inventory.site.factors
        ili = m.ili
        flow = 0.0 if loss is None else loss.m3 / 24.0
        below.add_row(
            str(ranks.get(zone, "–")), zone, "–" if loss is None else _volume(loss), _shown(m.uarl_m3_day),
            "–" if ili is None else f"{ili[0]:.1f} ± {ili[1]:.1f}", _shown(m.recoverable_m3_day),
            _shown(factors.money_a_day(flow) if loss else None), _shown(factors.co2_kg_a_day(flow) if loss else None),
            _shown(m.pressure_m),
        )  # fmt: skip
    return [above, below]


def _notes(months: list[ZoneMonth]) -> list[str]:
    return [f"{m.zone}: {note}" for m in months for note in m.notes]


def as_document(inventory: Inventory, months: list[ZoneMonth]) -> dict[str, Any]:
    """JSON values; volumes in m³ with the half-width of their 95 % band."""
    ranks = {r.zone: k for k, r in enumerate(ranking(inventory, months), 1)}
    factors = inventory.site.factors
    return {
        "factors": {
            name: None if f is None else {"value": f.value, "unit": f.unit, "year": f.year, "source": f.source}
            for name in ("water", "energy", "carbon", "survey")
            for f in (getattr(factors, name),)
        },
        "zones": [
            {
                "zone": m.zone,
                "days": m.days,
                "known_share": round(m.known_share, 4),
                "system_input": None if m.system_input is None else {
                    "m3": round(m.system_input.m3, 1), "band_m3": round(m.system_input.band_m3, 1),
                },
                "meter_share": None if m.meter_share is None else round(m.meter_share, 4),
                "balance": None if m.balance is None else {
                    **{
                        name: {"m3": round(v.m3, 1), "band_m3": round(v.band_m3, 1)}
                        for name in (
                            "inflow", "outflow", "storage_change", "system_input", "billed_metered", "billed_unmetered",
                            "unbilled_metered", "unbilled_unmetered", "authorised", "non_revenue", "losses", "unauthorised",
                            "meter_error", "apparent_losses", "real_losses",
                        )
                        for v in (getattr(m.balance, name),)
                    },
                    "yield": round(m.balance.system_yield, 4),
                    "estimated_share": round(m.balance.estimated_share, 4),
                },
                "night_loss_m3_day": None if m.night_loss_m3_day is None else {
                    "m3": round(m.night_loss_m3_day.m3, 1), "band_m3": round(m.night_loss_m3_day.band_m3, 1),
                },
                "uarl_m3_day": None if m.uarl_m3_day is None else round(m.uarl_m3_day, 2),
                "ili": None if m.ili is None else {"value": round(m.ili[0], 2), "band": round(m.ili[1], 2)},
                "recoverable_m3_day": None if m.recoverable_m3_day is None else round(m.recoverable_m3_day, 1),
                "rank": ranks.get(m.zone),
                "notes": list(m.notes),
            }
            for m in months
        ],
    }  # fmt: skip


def _volume(volume: Any) -> str:
    return f"{volume.m3:,.0f} ± {volume.band_m3:,.0f}"


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"
