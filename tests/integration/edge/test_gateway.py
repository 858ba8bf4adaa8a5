"""A whole gateway: real Modbus devices, a real broker, polls up and commands down, and a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.clock import ScaledClock
from domain.setpoints import Verified
from edge.gateway import run_gateway
from edge.settings import EdgeSettings, load_edge_settings
from protocols.modbus.profile import load_model
from protocols.modbus.server import RegisterBank, RegisterServer
from protocols.sparkplug.commands import encode_command, encode_result_ack
from protocols.sparkplug.keys import save_public_key
from protocols.sparkplug.topics import MessageType, Topic
from tests.support.mosquitto import Mosquitto
from tests.support.prv_site import KEY, command
from tests.support.receiver import Receiver

EDGE = "demo/gw"
SIM_ORIGIN = 1_772_000_000.0
T0 = int(SIM_ORIGIN * 1000) - 86_400_000


class Site:
    """One flowmeter and one PRV behind one port, and the configuration of their gateway at 60 times the wall's pace."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self.folder = folder
        self.meter = RegisterBank(load_model("generic_flowmeter"))
        self.prv = RegisterBank(load_model("generic_prv_controller"))
        self.meter.set("flow_m3h", 829.8)
        self.meter.set("volume_m3", 1234.56)
        self.prv.set("setpoint_m", 40.0)
        self.prv.set("inlet_m", None)
        self.server = RegisterServer({1: self.meter, 2: self.prv})
        self.broker_port = broker_port
        self.wall_origin = time.time()
        self.clock = ScaledClock(wall=time.time, wall_origin=self.wall_origin, sim_origin=SIM_ORIGIN, speed=60.0)

    def settings(self) -> EdgeSettings:
        times = T0 + np.arange(300, dtype=np.int64) * 60_000
        arrays: dict[str, Any] = {"meter1|flow_m3h|t_ms": times, "meter1|flow_m3h|value": np.linspace(1, 2, 300)}
        np.savez(self.folder / "history.npz", **arrays)
        save_public_key(self.folder / "desk.pem", KEY.public_key())
        (self.folder / "edge.toml").write_text(
            f"""
[gateway]
group = "demo"
node = "gw"
state_dir = "state"
[broker]
host = "127.0.0.1"
port = {self.broker_port}
[clock]
kind = "scaled"
wall_origin = {self.wall_origin}
sim_origin = {SIM_ORIGIN}
speed = 60.0
[spool]
flush_ms = 20
[commands]
keys = {{ desk-1 = "desk.pem" }}
[history]
files = ["history.npz"]
[[device]]
key = "meter1"
model = "generic_flowmeter"
host = "127.0.0.1"
port = {self.server.port}
unit_id = 1
period_s = 6
timeout_s = 0.2
[[device]]
key = "prv1"
model = "generic_prv_controller"
host = "127.0.0.1"
port = {self.server.port}
unit_id = 2
period_s = 6
timeout_s = 0.2
[[device.actuator]]
key = "prv_medina"
field = "setpoint_m"
min_m = 20
max_m = 60
safe_m = 45
ramp_up_m = 5
ramp_down_m = 3
min_interval_s = 0
lease_s = 360000
""",
            encoding="utf-8",
        )
        return load_edge_settings(self.folder / "edge.toml")

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "state" / "status.json").read_text())
        return found


@pytest.fixture
async def site(tmp_path: Path, broker: Mosquitto) -> AsyncIterator[Site]:
    made = Site(tmp_path, broker.port)
    async with made.server:
        yield made


@contextlib.asynccontextmanager
async def running(settings: EdgeSettings) -> AsyncIterator[None]:
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(run_gateway(settings, stop=stop, on_ready=ready.set))
    await asyncio.wait([task, asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        stop.set()
        await task


def last(centre: Receiver, device: str, metric: str) -> float | None:
    """The newest value of a metric that the centre has."""
    found = [m for _, (d, m) in sorted(centre.readings.items()) if d == device and centre.aliases[EDGE, m.alias or 0][1] == metric]
    return float(found[-1].value) if found and found[-1].value is not None else None


def has(centre: Receiver, device: str, metric: str, value: float) -> Callable[[], bool]:
    return lambda: last(centre, device, metric) == pytest.approx(value)


async def test_what_devices_show_is_what_the_centre_gets(site: Site, centre: Receiver) -> None:
    async with running(site.settings()):
        await centre.until(has(centre, "meter1", "volume_m3", 1234.56))
        await centre.until(has(centre, "prv1", "setpoint_m", 40.0))
        site.meter.set("volume_m3", 1240.0)
        await centre.until(has(centre, "meter1", "volume_m3", 1240.0))
        await centre.until(lambda: len([1 for _, m in centre.readings.values() if m.is_historical]) == 300)
        now_ms = site.clock.timestamp() * 1000
        live = [m for _, m in centre.readings.values() if not m.is_historical]
        assert all(SIM_ORIGIN * 1000 <= (m.timestamp_ms or 0) <= now_ms for m in live)
        inlets = [m for _, m in centre.readings.values() if centre.aliases[EDGE, m.alias or 0] == ("prv1", "inlet_m")]
        assert inlets
        assert all(m.is_null for m in inlets)
    status = site.status()
    assert status["final"] is True
    assert status["spooled"] == status["acked"] == len(centre.readings)
    assert len(centre.of(MessageType.NDEATH)) == 1
    moments = [(centre.aliases[EDGE, m.alias or 0], m.timestamp_ms) for _, m in centre.readings.values()]
    assert len(set(moments)) == len(moments)


def _born(centre: Receiver, before: int) -> bool:
    return before > 0 or len(centre.of(MessageType.NBIRTH)) > 0


def _has_more(centre: Receiver, readings: int) -> bool:
    return len(centre.readings) > readings


async def test_a_second_start_imports_no_history_again(site: Site, centre: Receiver) -> None:
    for _ in range(2):
        async with running(site.settings()):
            before = len(centre.of(MessageType.NBIRTH))
            await centre.until(partial(_born, centre, before))
            await centre.until(lambda: len([1 for _, m in centre.readings.values() if m.is_historical]) >= 300)
    assert len([1 for _, m in centre.readings.values() if m.is_historical]) == 300
    assert sorted(n for _, n in centre.readings) == list(range(1, len(centre.readings) + 1))


async def test_a_command_crosses_and_its_result_is_repeated_until_acknowledged(site: Site, centre: Receiver) -> None:
    async with running(site.settings()):
        await centre.until(lambda: len(centre.of(MessageType.NBIRTH)) == 1)
        order = command(1, 38.5, site.clock.now())
        topic = Topic(group="demo", message_type=MessageType.DCMD, node="gw", device="prv1")
        await centre.publish(topic, encode_command(order, KEY))
        await centre.until(lambda: len(centre.outcomes) >= 2)  # told, and told again
        assert all(isinstance(o, Verified) and o.readback_m == 38.5 for o in centre.outcomes)
        await centre.publish(topic, encode_result_ack("c1"))
        await centre.until(has(centre, "prv1", "setpoint_m", 38.5))
    assert site.prv.get("setpoint_m") == 38.5
    assert site.status()["commands"]["verified"] == 1


async def test_a_device_that_dies_is_said_dead_and_born_again_and_the_other_goes_on(site: Site, centre: Receiver) -> None:
    async with running(site.settings()):
        await centre.until(has(centre, "meter1", "volume_m3", 1234.56))
        site.meter.silent = True
        await centre.until(lambda: [s.topic.device for s in centre.of(MessageType.DDEATH)] == ["meter1"])
        seen = len([1 for d, _ in centre.readings.values() if d == "prv1"])
        site.meter.set("volume_m3", 2000.0)
        await centre.until(lambda: len([1 for d, _ in centre.readings.values() if d == "prv1"]) > seen + 10)
        assert last(centre, "meter1", "volume_m3") == pytest.approx(1234.56)  # nothing was made up
        births = len([s for s in centre.of(MessageType.DBIRTH) if s.topic.device == "meter1"])
        site.meter.silent = False
        await centre.until(has(centre, "meter1", "volume_m3", 2000.0))
        assert len([s for s in centre.of(MessageType.DBIRTH) if s.topic.device == "meter1"]) == births + 1


async def test_a_killed_process_loses_nothing_it_had_committed(site: Site, centre: Receiver, tmp_path: Path) -> None:
    site.settings()
    code = (
        "import asyncio, sys; from edge.gateway import serve; from edge.settings import load_edge_settings; "
        "asyncio.run(serve(load_edge_settings(sys.argv[1])))"
    )
    arguments = [sys.executable, "-c", code, str(site.folder / "edge.toml")]

    def spawn() -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("ab") as logs:
            return subprocess.Popen(arguments, stderr=logs)

    for _ in range(3):
        process = spawn()
        before = len(centre.readings)
        await centre.until(partial(_has_more, centre, before + 30))
        process.kill()
        process.wait()
    process = spawn()
    before = len(centre.of(MessageType.NBIRTH))
    await centre.until(lambda: len(centre.of(MessageType.NBIRTH)) > before)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 60) == 0
    status = site.status()
    assert status["final"] is True
    assert status["spooled"] == status["acked"] == len(centre.readings)
    assert sorted(n for _, n in centre.readings) == list(range(1, len(centre.readings) + 1))
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {"gateway_started", "gateway_stopped"} <= {line["event"] for line in lines}
