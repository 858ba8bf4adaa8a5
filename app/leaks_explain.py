"""What ``khettara leaks replay`` and ``khettara leaks explain`` print and keep."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.markup import escape

from app.leaks_plot import draw_finding
from app.leaks_replay import Replayed, replay_dataset, write_findings, write_rows
from app.leaks_table import FindingSeries, explain_text, read_finding
from app.scheduler import open_scheduler
from domain.errors import ConfigurationError
from domain.findings import Finding, FindingKind

T = TypeVar("T")
_MONTH_DAYS = 30.44


def run_replay(
    dataset: Path,
    out: Path,
    points: Path | None,
    scheduler: str | None,
    findings: Path | None,
    plots: Path | None,
    *,
    quiet: bool,
    console: Console,
) -> None:
    """Replays, writes the alarms and what else is asked for, and prints every finding with its evidence.

    Raises:
        ConfigurationError: The dataset, its map or the scheduler is not right.
    """
    with open_scheduler(scheduler) as over:
        result = replay_dataset(dataset, points, over)
    write_rows(result.alarms, out)
    if findings is not None:
        write_findings(result, findings)
    if not quiet:
        for finding in result.findings:
            console.print(escape(explain_text(finding)), highlight=False)
    if plots is not None:
        console.print(f"{_draw_all(result, plots)} pictures in {plots}")
    for note in result.notes:
        console.print(f"less sure: {escape(note)}", highlight=False)
    console.print(summary(result, out), highlight=False)


def summary(result: Replayed, out: Path) -> str:
    """One line on a replay."""
    months = result.zones * result.days / _MONTH_DAYS
    faults = sum(f.kind is FindingKind.METER_FAULT for f in result.findings)
    rate = f", {len(result.findings) / months:.2f} findings a zone and month" if result.findings and months else ""
    counted = f"; {len(result.findings)} findings, {faults} of them of meters and valves{rate}" if result.findings else ""
    return f"{result.kind}: {result.zones} zone(s), {result.days:.0f} days, {len(result.alarms)} alarms in {out}{counted}"


def _draw_all(result: Replayed, folder: Path) -> int:
    suffix = ".png" if _has_matplotlib() else ".svg"
    drawn = 0
    for finding in result.findings:
        series = result.series.get(finding.key)
        if series is not None and series.times_s.size > 1:
            draw_finding(finding, series, folder / f"{_file_name(finding.key)}{suffix}")
            drawn += 1
    return drawn


def _has_matplotlib() -> bool:
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def _file_name(key: str) -> str:
    return re.sub(r"[^\w.-]+", "_", key)


def run_explain(
    key: str, file: Path | None, data: Path | None, config: Path | None, plot: Path | None, *, console: Console
) -> None:
    """Prints one finding.

    Raises:
        ConfigurationError: No such finding, more than one, or nothing to draw.
    """
    if file is not None:
        kept = json.loads(file.read_text(encoding="utf-8"))["findings"]
        finding, series = read_finding(_one(key, {f["key"]: f for f in kept}, str(file)))
        money = None
    else:
        finding, money = _stored(key, data, config)
        series = None
    console.print(escape(explain_text(finding, money)), highlight=False)
    if plot is not None:
        _draw(finding, series, plot)
        console.print(f"drawn: {plot}")


def _draw(finding: Finding, series: FindingSeries | None, plot: Path) -> None:
    if series is None:
        raise ConfigurationError(
            file=str(plot),
            key="--plot",
            value=finding.key,
            expected="a finding that a replay kept (--from): it carries its series",
        )
    draw_finding(finding, series, plot)


def _one(key: str, known: dict[str, T], where: str) -> T:
    found = [k for k in known if k == key] or [k for k in known if k.startswith(key)]
    if len(found) != 1:
        some = ", ".join((found or list(known))[:5]) or "none at all"
        raise ConfigurationError(file=where, key="FINDING", value=key, expected=f"the key of one finding; there are {some}")
    return known[found[0]]


def _stored(key: str, data: Path | None, config: Path | None) -> tuple[Finding, str | None]:
    """A finding of a running system or a data folder."""
    from app.demo.layout import Layout
    from app.local import LocalServices
    from app.settings import load_settings
    from app.site import demo_site, load_site
    from storage.roles import Role

    with ExitStack() as stack:
        if data is not None:
            if not (data / "postgres").is_dir():
                raise ConfigurationError(
                    file=str(data), key="--data", value="no database there", expected="the folder of a demo, or --from"
                )
            services = stack.enter_context(LocalServices(layout=Layout(root=data)))
            services.start_database(None)
            dsn, site = services.dsn(Role.ANALYTICS), load_site(demo_site())
        else:
            settings = load_settings(config)
            dsn, site = settings.database.of("analytics"), load_site(settings.site.folder)
        found = asyncio.run(_read(dsn))
    water = site.site.factors.water
    return _one(key, {f.key: f for f in found}, str(data or config)), None if water is None else water.unit.partition("/")[0]


async def _read(dsn: str) -> list[Finding]:
    from storage.database import Database
    from storage.findings import PostgresFindings

    async with Database(dsn, size=1) as database:
        return list(await PostgresFindings(database).findings())
