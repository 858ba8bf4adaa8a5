"""The demonstration from start to stop: one line a stage, one URL, one order of stopping."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from rich.console import Console

from app.demo.facts import gather_facts
from app.demo.layout import DemoState, Layout
from app.demo.live import Live
from app.demo.report import verdict
from app.demo.seed import seed_history
from app.demo.stages import Stages
from app.files import write_json
from app.local import LocalServices
from app.site import demo_site, load_site
from domain.errors import ConfigurationError, KhettaraError

DEFAULT_SEED = 1
DEFAULT_SCENARIO = "demo"
FAR_BEHIND = timedelta(hours=15)
"""A new town goes live at least this far behind the wall, so that its fast clock has far to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the user asked for; None where nothing was said."""

    data: Path
    seed: int | None = None
    scenario: str | None = None
    fresh: bool = False
    for_s: float | None = None
    report: Path | None = None
    speed: float = 60.0
    days: int = 14
    port: int = 8700


class DemoBroken(KhettaraError):
    """A part of the demonstration ended by itself."""


def run_demo(options: DemoOptions, console: Console | None = None) -> int:
    """Runs the demonstration until Ctrl-C or for the time asked for; the exit code is 0 only if the loop held.

    Raises:
        ConfigurationError: The options do not fit together or with the data folder.
        DemoBroken: A part ended by itself; the message quotes its log.
    """
    out = console or Console()
    stages = Stages(out)
    layout = Layout(root=options.data)
    state = _state(options, layout)
    stop = _stop_on_signals()
    inventory = load_site(demo_site())
    out.print(f"[bold]Khettara[/] · {inventory.site.names.get('en', inventory.site.key)} · seed {state.seed}", highlight=False)
    with LocalServices(layout=layout) as services:
        with stages.stage("database (PostgreSQL, embedded)"):
            services.start_database(inventory)
        with stages.stage("message broker (MQTT 5, embedded)"):
            services.broker.start()
        if not state.seeded:
            state = seed_history(services, stages, state, days=options.days, stop=stop)
        live = Live(services=services, inventory=inventory, state=state, speed=options.speed, port=options.port)
        began = live.start(stages)
        out.print(f"\n  [bold green]{live.url}[/]   {live.login}\n  Ctrl-C stops it\n", highlight=False)
        _watch(services, stop, options.for_s, began)
        with stages.stage("stopping: last readings delivered, last outcomes in"):
            live.stop_in_order()
        if options.report is None and options.for_s is None:
            return 0
        with stages.stage("verdict: the same hours again at the fixed setpoint"):
            report = verdict(gather_facts(services, inventory, state))
    if options.report is not None:
        write_json(options.report, report)
    _print_verdict(out, report)
    return 0 if report["ok"] else 1


def _state(options: DemoOptions, layout: Layout) -> DemoState:
    """The state of an earlier start, or a new one."""
    if options.fresh and layout.root.exists():
        _refuse_foreign(layout.root)
        shutil.rmtree(layout.root)
    found = DemoState.load(layout.state)
    if found is not None:
        for name, wish, kept in (("seed", options.seed, found.seed), ("scenario", options.scenario, found.scenario)):
            if wish is not None and wish != kept:
                raise ConfigurationError(
                    file=str(layout.root),
                    key=name,
                    value=wish,
                    expected=f"{kept}, with which this folder was made; --fresh starts anew",
                )
        return found
    scenario = options.scenario or DEFAULT_SCENARIO
    scenarios = sorted(path.stem for path in (demo_site() / "scenarios").glob("*.toml"))
    if scenario not in scenarios:
        raise ConfigurationError(file="scenarios", key="scenario", value=scenario, expected="one of " + ", ".join(scenarios))
    from simulator.scenario import live_start, load_scenario
    from simulator.site import load_site as load_simulated

    simulated = load_simulated(demo_site())
    before = datetime.now(UTC) - FAR_BEHIND
    state = DemoState(
        seed=DEFAULT_SEED if options.seed is None else options.seed,
        scenario=scenario,
        live_start=live_start(load_scenario(simulated, scenario), simulated.inventory.site.calendar, before=before),
        seeded=False,
    )
    state.save(layout.state)  # before anything is made: an interrupted start goes on with the same past
    return state


def _refuse_foreign(root: Path) -> None:
    """``--fresh`` deletes a folder of ours, never somebody's documents."""
    ours = {"demo.json", "postgres", "broker", "edge", "town", "logs", "centre", "centre.toml", "ingest.toml", "town.toml"}
    foreign = [entry.name for entry in root.iterdir() if entry.name not in ours]
    if foreign:
        raise ConfigurationError(
            file=str(root),
            key="--fresh",
            value=foreign[0],
            expected="a data folder of the demonstration; this one holds other things",
        )


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return stop


def _watch(services: LocalServices, stop: threading.Event, for_s: float | None, began: float) -> None:
    """Waits for the end, and says at once when a part has died."""
    while not stop.wait(0.2):
        if for_s is not None and time.monotonic() - began >= for_s:
            return
        for child in services.children.values():
            if child.returncode is not None:
                raise DemoBroken(f"{child.name} ended with code {child.returncode}; its log {child.log} ends:\n{child.tail()}")


def _print_verdict(out: Console, report: dict[str, object]) -> None:
    shown = ("spooled", "stored", "dead_letters", "lost", "duplicated", "burst", "false_alerts", "setpoints", "leakage")
    for key in (*shown, "customer_minutes_below"):
        out.print(f"  {key:<24} {report[key]}", highlight=False)
    failures = report["failures"]
    if isinstance(failures, list):
        for failure in failures:
            out.print(f"[red]✗[/] {failure}", highlight=False)
    out.print("[bold green]the loop held[/]" if report["ok"] else "[bold red]the loop did not hold[/]")
