"""What ``khettara leaks replay`` writes, draws and prints: every finding with its evidence, the alarms, one line on all."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from app.leak_output import check_file, check_folder
from app.leaks_alarms import write_alarms
from app.leaks_customers import customer_picture, customer_text
from app.leaks_plot import best_suffix, draw, finding_picture
from app.leaks_progress import Seen, nobody, shown_progress
from app.leaks_replay import Replayed, replay_dataset, with_costs, write_findings
from app.leaks_table import explain_text
from app.leaks_valves import valve_text, write_valves
from app.scheduler import open_scheduler
from domain.factors import LeakFactors
from domain.findings import FindingKind

_MONTH_DAYS = 30.44


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOutputs:
    """What a replay writes beside its alarms."""

    alarms: Path
    findings: Path | None = None
    plots: Path | None = None
    valves: Path | None = None

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
        if self.valves is not None:
            check_file(self.valves, "--valves")


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
        if outputs.valves is not None:
            write_valves(result.valves, outputs.valves, result.clock)
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
    for turned in result.valves:
        console.print(escape(valve_text(turned, result.clock)), highlight=False)


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
    valves = f"; {_many(len(result.valves), 'turn')} of pressure valves" if result.valves else ""
    size = f"{_many(result.zones, 'zone')}, {result.days:.0f} days, {_many(len(result.alarms), 'alarm')} in {out}"
    return f"{result.kind}: {size} ({result.clock.words}){counted}{customers}{valves}"


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
