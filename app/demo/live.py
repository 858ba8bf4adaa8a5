"""The live part: town, gateways, ingest and centre as processes of their own, started in order and stopped in order."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from app.demo.layout import DemoState
from app.demo.login import demo_logins
from app.demo.stages import Stages
from app.dlms_keys import KEK_FILE, take_shipment
from app.edge_config import Address, EdgeConfig, edge_toml
from app.embedded.ports import free_port
from app.files import read_json, write_private
from app.local import LocalServices
from app.settings import ClockSettings
from app.site import demo_site
from app.toml import to_toml
from commands.keys import ensure_key_pair
from domain.errors import KhettaraError
from domain.inventory import Inventory

START_WITHIN_S = 90.0
TWO_PEOPLE_FROM_M = 1.5
"""An operator's larger change of a setpoint waits for a second person [m]."""


class NotUp(KhettaraError):
    """A part did not come up in time; the message quotes its log."""


@dataclass(slots=True, kw_only=True)
class Live:
    """One live run."""

    services: LocalServices
    inventory: Inventory
    state: DemoState
    speed: float
    port: int
    url: str = ""
    login: str = ""
    clock: ClockSettings = field(default_factory=ClockSettings)

    def start(self, stages: Stages) -> float:
        """Starts every part; returns the monotonic wall time at which the town went live."""
        logins = demo_logins(self.services)
        self.port = self.port if _is_free(self.port) else free_port()
        self.login = f"{logins.user} / {logins.password}"
        with stages.stage("the town, on Modbus and DLMS"):
            began = time.monotonic()
            self.clock = ClockSettings(
                kind="scaled", wall_origin=time.time(), sim_origin=self._resume_at().timestamp(), speed=self.speed
            )
            self._start_town()
        with stages.stage("ingest"):
            self.services.spawn("ingest", "ingest", "run", "--config", str(self._settings("ingest")))
        with stages.stage("centre: detection, control, command desk, console"):
            self._start_centre()
        with stages.stage(f"{len(self.inventory.gateways)} gateways, {len(self.inventory.devices)} devices"):
            self._start_gateways()
        return began

    def stop_in_order(self) -> None:
        """Stops so that nothing is on its way: the centre's last outcomes, the gateways' last readings, then the rest."""
        self.services.stop_children("centre", timeout_s=30.0)
        self.services.stop_children(*(f"edge-{node}" for node in self.inventory.gateways), timeout_s=30.0)
        self.services.stop_children("ingest", "town")

    def _resume_at(self) -> datetime:
        """Where the town stopped last time, or its first live moment."""
        saved = read_json(self.services.layout.town / "town-state.json").get("time")
        return datetime.fromisoformat(str(saved)) if saved else self.state.live_start

    def _settings(self, name: str) -> Path:
        sections: dict[str, dict[str, Any]] = {
            "console": {"host": "127.0.0.1", "port": self.port},
            "centre": {
                "state_folder": str(self.services.layout.centre),
                "first_mode": "auto",
                "second_person": {"change_m": TWO_PEOPLE_FROM_M},
            },
        }
        return self.services.write_settings(name, demo_site(), self.clock, **sections)

    def _start_town(self) -> None:
        path = self.services.layout.root / "town.toml"
        town = {
            "site_folder": str(demo_site()),
            "seed": self.state.seed,
            "scenario": self.state.scenario,
            "state_folder": str(self.services.layout.town),
            "live_start": self.state.live_start.isoformat(),
        }
        path.write_text(to_toml({"town": town, "clock": self.clock.model_dump()}))
        ports = self.services.layout.town / "ports.json"
        ports.unlink(missing_ok=True)
        self.services.spawn("town", "town", "run", "--config", str(path))
        self._wait("town", ports.exists)

    def _start_centre(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"
        self.services.spawn("centre", "centre", "run", "--config", str(self._settings("centre")))
        self._wait("centre", lambda: _answers(f"{self.url}/healthz"))

    def _start_gateways(self) -> None:
        answers = read_json(self.services.layout.town / "ports.json")
        addresses = {k: Address(host=a["host"], port=a["port"], unit_id=a["unit_id"]) for k, a in answers.items()}
        shipment = read_json(self.services.layout.town / "meters.json")
        _, public, key_id = ensure_key_pair(self.services.layout.centre)
        for node in self.inventory.gateways:
            folder = self.services.layout.gateway(node)
            meters = {k: a.unit_id for k, a in addresses.items() if k in shipment and self.inventory.devices[k].gateway == node}
            config = EdgeConfig(
                node=node,
                state_dir=folder,
                broker=self.services.broker_settings(),
                clock=self.clock,
                keys={key_id: public},
                addresses=addresses,
                meters=take_shipment(shipment, meters, folder, system_title="KHTDEMO1", backfill_days=14.0),
                kek_file=folder / KEK_FILE,
            )
            write_private(folder / "edge.toml", edge_toml(config, self.inventory))
            (folder / "status.json").unlink(missing_ok=True)
            self.services.spawn(f"edge-{node}", "edge", "run", "--config", str(folder / "edge.toml"))
        for node in self.inventory.gateways:
            status = self.services.layout.gateway(node) / "status.json"
            self._wait(f"edge-{node}", partial(_connected, status))

    def _wait(self, name: str, done: Callable[[], bool]) -> None:
        """Waits until a part is up.

        Raises:
            NotUp: It ended, or the time is over.
        """
        child = self.services.children[name]
        deadline = time.monotonic() + START_WITHIN_S
        while not done():
            if child.returncode is not None:
                raise NotUp(f"{name} ended with code {child.returncode} at its start; its log {child.log} ends:\n{child.tail()}")
            if time.monotonic() > deadline:
                raise NotUp(f"{name} was not up within {START_WITHIN_S:g} s; its log {child.log} ends:\n{child.tail()}")
            time.sleep(0.05)


def _connected(status: Path) -> bool:
    return bool(read_json(status).get("connected"))


def _is_free(port: int) -> bool:
    """Whether somebody may listen there; 0 asks for any port and is none itself."""
    if port == 0:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:  # noqa: S310  (our own console on the loopback address)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
