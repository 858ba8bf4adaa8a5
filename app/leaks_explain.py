"""What ``khettara leaks replay`` and ``khettara leaks explain`` print and keep."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from app.leak_output import check_file, check_folder
from app.leaks_alarms import write_alarms
from app.leaks_customers import CustomerFinding, customer_picture, customer_text, read_customer
from app.leaks_drawing import Clock, Panel, Plan, read_plan
from app.leaks_plot import Picture, best_suffix, check_suffix, draw, finding_picture
from app.leaks_progress import Seen, nobody, shown_progress
from app.leaks_replay import Replayed, replay_dataset, with_costs, write_findings
from app.leaks_table import explain_text, one_line, read_finding
from app.scheduler import open_scheduler
from domain.errors import ConfigurationError
from domain.factors import LeakFactors
from domain.findings import Finding, FindingKind

_MONTH_DAYS = 30.44
_SOME = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOutputs:
    """What a replay writes beside its alarms."""

    alarms: Path
    findings: Path | None = None
    plots: Path | None = None

    def check(self) -> None:
        """Sees that all of it can be written.

        Raises:
            ConfigurationError: Something cannot.
        """
        check_file(self.alarms, "--out")
        if self.findings is not None:
            check_file(self.findings, "--findings")
        if self.plots is not None:
            check_folder(self.plots, "--plots")


def run_replay(
    dataset: Path,
    outputs: ReplayOutputs,
    *,
    points: Path | None = None,
    scheduler: str | None = None,
    site: Path | None = None,
    quiet: bool = False,
    console: Console,
    errors: Console | None = None,
) -> None:
    """Replays, writes the alarms and what else is asked for, and prints every finding with its evidence.

    Args:
        dataset: A recording.
        outputs: What is written; seen to be possible before anything is read.
        points: Map of a CSV's columns.
        scheduler: Where zones are gone through.
        site: Folder of a site's files, whose prices the findings are told with.
        quiet: Only the summary.
        console: Of what was found.
        errors: Of how far it is; None says nothing.

    Raises:
        ConfigurationError: The dataset, its map, the scheduler, the site or a place to write to is not right.
    """
    outputs.check()
    factors = None if site is None else _factors(site)
    if factors is not None and factors.water is None and errors is not None:
        errors.print(f"{site}: no price of water in [factors] of site.toml, so no cost is told", highlight=False, markup=False)
    with ExitStack() as stack:
        seen: Seen = nobody if errors is None else stack.enter_context(shown_progress(errors, at_once=True))
        over = stack.enter_context(open_scheduler(scheduler))
        result = replay_dataset(dataset, points, over, seen)
        if factors is not None:
            result = with_costs(result, factors)
        write_alarms(result.alarms, outputs.alarms, result.clock.zone)
        if outputs.findings is not None:
            write_findings(result, outputs.findings)
        pictures = 0 if outputs.plots is None else _draw_all(result, outputs.plots, seen)
    if not quiet:
        _print_all(result, factors, console)
    if outputs.plots is not None:
        console.print(f"{pictures} pictures ({best_suffix()[1:].upper()}) in {outputs.plots}", highlight=False)
    for note in result.notes:
        console.print(f"less sure: {escape(note)}", highlight=False)
    console.print(escape(summary(result, outputs.alarms)), highlight=False)


def _print_all(result: Replayed, factors: LeakFactors | None, console: Console) -> None:
    for finding in result.findings:
        console.print(escape(explain_text(finding, result.money, result.clock, factors)), highlight=False)
    for leak in result.customers:
        console.print(escape(customer_text(leak, result.clock)), highlight=False)


def _factors(site: Path) -> LeakFactors:
    from app.site import load_site

    return load_site(site).site.factors


def summary(result: Replayed, out: Path) -> str:
    """One line on a replay."""
    months = result.zones * result.days / _MONTH_DAYS
    faults = sum(f.kind is FindingKind.METER_FAULT for f in result.findings)
    leaks = len(result.findings) - faults
    rate = f", {len(result.findings) / months:.2f} findings a zone and month" if result.findings and months else ""
    counted = f"; {_many(leaks, 'leak')}, {_many(faults, 'finding')} of meters and valves{rate}" if result.findings else ""
    customers = f"; {_many(len(result.customers), 'leak')} behind customers' meters" if result.customers else ""
    size = f"{_many(result.zones, 'zone')}, {result.days:.0f} days"
    return f"{result.kind}: {size}, {_many(len(result.alarms), 'alarm')} in {out} ({result.clock.words}){counted}{customers}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _draw_all(result: Replayed, folder: Path, seen: Seen) -> int:
    pictures = {f.key: finding_picture(f, result.panels.get(f.key, ()), result.plan, result.clock) for f in result.findings}
    pictures |= {c.key: customer_picture(c, result.panels.get(c.key, ()), result.clock) for c in result.customers}
    drawn = 0
    for key, picture in pictures.items():
        if picture.panels:
            draw(picture, folder / f"{_file_name(key)}{best_suffix()}")
            drawn += 1
            seen(f"picture {drawn}", drawn, len(pictures))
    return drawn


def _file_name(key: str) -> str:
    return re.sub(r"[^\w.-]+", "_", key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Findings among which one is asked for."""

    where: str
    findings: Mapping[str, Finding]
    clock: Clock
    money: str | None
    factors: LeakFactors | None = None
    customers: Mapping[str, CustomerFinding]
    panels: Mapping[str, Sequence[Panel]]
    """Empty where a running system answers: its pages draw from the readings."""
    plan: Plan | None = None

    def keys(self) -> list[str]:
        """Of all."""
        return [*self.findings, *self.customers]

    def text(self, key: str) -> str:
        """What one rests on."""
        if key in self.customers:
            return customer_text(self.customers[key], self.clock)
        return explain_text(self.findings[key], self.money, self.clock, self.factors)

    def picture(self, key: str) -> Picture:
        """Of one."""
        if key in self.customers:
            return customer_picture(self.customers[key], self.panels[key], self.clock)
        return finding_picture(self.findings[key], self.panels[key], self.plan, self.clock)


def run_explain(
    key: str | None, file: Path | None, data: Path | None, config: Path | None, plot: Path | None, *, console: Console
) -> None:
    """Prints one finding, or a list of all.

    Args:
        key: Of the finding, or the beginning of one; None lists them.
        file: Findings that a replay kept.
        data: Data folder of a demonstration.
        config: Settings of a running system.
        plot: A picture of it, too.
        console: Where it goes.

    Raises:
        ConfigurationError: No such finding, more than one, or nothing to draw.
    """
    if plot is not None:
        check_suffix(plot)
        check_file(plot, "--plot")
    known = read_kept(file) if file is not None else _stored(data, config)
    if key is None:
        for finding in known.findings.values():
            console.print(escape(one_line(finding, known.clock)), highlight=False)
        for leak in known.customers.values():
            console.print(escape(f"{leak.key:<34} {leak.flow_l_h:.0f} L/h, since {known.clock.text(leak.since)}"), highlight=False)
        console.print(f"{len(known.keys())} in {known.where}; moments in {known.clock.words}", highlight=False)
        return
    one = _one(key, known.keys(), known.where)
    console.print(escape(known.text(one)), highlight=False)
    if plot is not None:
        if not known.panels.get(one):
            raise ConfigurationError(
                file=str(plot), key="--plot", value=one, expected="a finding that a replay kept (--from), with readings about it"
            )
        draw(known.picture(one), plot)
        console.print(f"drawn: {plot}", highlight=False)


def _one(key: str, known: Sequence[str], where: str) -> str:
    found = [k for k in known if k == key] or [k for k in known if k.startswith(key)]
    if len(found) == 1:
        return found[0]
    if found:
        more = f" and {len(found) - _SOME} more" if len(found) > _SOME else ""
        expected = f"more of the key: {len(found)} begin so, {', '.join(found[:_SOME])}{more}"
    else:
        near = get_close_matches(key, known, n=3, cutoff=0.3) or known[:3]
        expected = f"the key of a finding; near are {', '.join(near)}" if near else "a file with findings: there is none in it"
    raise ConfigurationError(file=where, key="FINDING", value=key, expected=expected)


def read_kept(file: Path) -> Known:
    """What ``khettara leaks replay --findings`` kept.

    Raises:
        ConfigurationError: The file is not there, or holds something else.
    """
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        findings = [read_finding(entry) for entry in document["findings"]]
        customers = [read_customer(entry) for entry in document.get("customers", [])]
        plan = read_plan(document.get("plan"))
    except (OSError, ValueError, KeyError, TypeError) as error:  # absent, no JSON, or other JSON
        why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            file=str(file), key="--from", value=str(why)[:120], expected="a file that khettara leaks replay --findings wrote"
        ) from error
    return Known(
        where=str(file),
        findings={f.key: f for f, _ in findings},
        customers={c.key: c for c, _ in customers},
        panels={f.key: panels for f, panels in findings} | {c.key: panels for c, panels in customers},
        clock=Clock(timezone=document.get("timezone", "")),
        money=document.get("money"),
        plan=plan,
    )


def _stored(data: Path | None, config: Path | None) -> Known:
    """The findings of a running system or a data folder."""
    from app.demo.layout import Layout
    from app.local import LocalServices
    from app.settings import load_settings
    from app.site import demo_site, load_site
    from storage.roles import Role

    if data is None and config is None and not any(name.startswith("KHETTARA_") for name in os.environ):
        raise ConfigurationError(
            file="command line", key="--from, --data or --config", value=None, expected="one of them: where the findings are"
        )
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
    factors = site.site.factors
    return Known(
        where=str(data or config or "the database"),
        findings={f.key: f for f in found},
        customers={},
        panels={},
        clock=Clock(timezone=str(site.site.calendar.zone)),
        money=None if factors.water is None else factors.water.unit.partition("/")[0],
        factors=factors,
    )


async def _read(dsn: str) -> list[Finding]:
    from storage.database import Database
    from storage.findings import PostgresFindings

    async with Database(dsn, size=1) as database:
        return list(await PostgresFindings(database).findings())
