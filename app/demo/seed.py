"""The simulated past: made by the plant, carried by each gateway's own spool, broker and ingest into the database."""

from __future__ import annotations

import dataclasses
import threading
import time

from app.demo.layout import DemoState, span_of_history
from app.demo.stages import Report, Stages
from app.edge_config import EdgeConfig, edge_toml
from app.files import read_json, write_private
from app.local import LocalServices
from app.settings import ClockSettings
from app.site import demo_site, load_site
from domain.errors import KhettaraError
from domain.inventory import Inventory


class SeedFailed(KhettaraError):
    """The past did not reach the database; the message quotes the log of what failed."""


def seed_history(services: LocalServices, stages: Stages, state: DemoState, *, days: int, stop: threading.Event) -> DemoState:
    """Makes and delivers the past before ``state.live_start``; returns the state with ``seeded`` set, already kept.

    Raises:
        SeedFailed: A gateway's import or the ingestor ended early, or the user asked to stop.
    """
    from simulator.history import make_history

    inventory = load_site(demo_site())
    start, end = span_of_history(state.live_start, days)
    with stages.stage(f"{days} days of the town's past, by its hydraulics") as report:

        def progress(done: int, steps: int) -> None:
            report(done / steps)
            if stop.is_set():
                raise SeedFailed("stopped while the past was being made; the next start begins with it again")

        history = make_history(demo_site(), state.seed, start, end, progress=progress, out_dir=services.layout.town)
    with stages.stage(f"{history.readings:,} readings through spools, broker and ingest") as report:
        _deliver(services, inventory, state, history.readings, report, stop)
    seeded = dataclasses.replace(state, seeded=True)
    seeded.save(services.layout.state)
    return seeded


def _deliver(
    services: LocalServices, inventory: Inventory, state: DemoState, readings: int, report: Report, stop: threading.Event
) -> None:
    clock = ClockSettings(kind="scaled", wall_origin=time.time(), sim_origin=state.live_start.timestamp(), speed=1.0)
    services.spawn("ingest", "ingest", "run", "--config", str(services.write_settings("ingest", demo_site(), clock)))
    for node in inventory.gateways:
        services.spawn(f"import-{node}", "edge", "import", "--config", str(_import_config(services, inventory, node, clock)))
    waiting = [f"import-{node}" for node in inventory.gateways]
    while waiting:
        if stop.wait(0.2):
            raise SeedFailed("stopped while the past was on its way; the next start goes on from here")
        ingest = services.children["ingest"]
        if ingest.returncode is not None:
            raise SeedFailed(f"the ingestor ended with code {ingest.returncode}; its log ends:\n{ingest.tail()}")
        for name in list(waiting):
            child = services.children[name]
            if child.returncode not in (None, 0):
                raise SeedFailed(f"{name} ended with code {child.returncode}; its log ends:\n{child.tail()}")
            if child.returncode == 0:
                waiting.remove(name)
                services.children.pop(name)
        report(_delivered(services, inventory) / max(readings, 1))
    services.stop_children("ingest")


def _import_config(services: LocalServices, inventory: Inventory, node: str, clock: ClockSettings) -> str:
    folder = services.layout.gateway(node)
    config = EdgeConfig(
        node=node,
        state_dir=folder,
        broker=services.broker_settings(),
        clock=clock,
        history=[services.layout.history(node)],
    )
    path = folder / "import.toml"
    write_private(path, edge_toml(config, inventory))
    return str(path)


def _delivered(services: LocalServices, inventory: Inventory) -> int:
    """Readings that have their receipt, over every gateway."""
    progress = [read_json(services.layout.gateway(node) / "import.json") for node in inventory.gateways]
    return sum(int(p.get("spooled", 0)) - int(p.get("waiting", 0)) for p in progress)
