"""The town as others meet it: real Modbus TCP, files, and the same hours run twice."""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from domain.clock import ScaledClock
from domain.errors import DeviceTimeout
from protocols.modbus.client import ModbusClient
from protocols.modbus.profile import decode, encode_write, load_model, plan
from simulator.compare import compare_live, fixed_run, replay_run
from simulator.history import make_history
from simulator.memory import load
from simulator.plant import Plant
from simulator.site import load_site
from simulator.town import LOG, PORTS, START, STATE, TRUTH, TownSettings, run_town
from simulator.town_log import read_log

SITE = Path(__file__).resolve().parents[3] / "sites" / "demo"
LIVE = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)
SPEED = 1800.0


def _settings(folder: Path, *, scenario: str = "demo", origin: datetime = LIVE, speed: float = SPEED) -> TownSettings:
    clock = ScaledClock(
        wall=lambda: 2e9 + time.monotonic(), wall_origin=2e9 + time.monotonic(), sim_origin=origin.timestamp(), speed=speed
    )
    return TownSettings(site_dir=SITE, seed=1, scenario=scenario, state_dir=folder, clock=clock, live_start=LIVE)


@contextlib.asynccontextmanager
async def _town(settings: TownSettings) -> AsyncIterator[dict[str, Any]]:
    stop = asyncio.Event()
    (settings.state_dir / PORTS).unlink(missing_ok=True)
    task = asyncio.create_task(run_town(settings, stop))
    try:
        await _until(lambda: task.done() or (settings.state_dir / PORTS).exists())
        if task.done():
            task.result()
        yield json.loads((settings.state_dir / PORTS).read_text())
    finally:
        stop.set()
        await task


async def _until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


async def _read(place: dict[str, Any], model_name: str, fields: tuple[str, ...], timeout_s: float = 5.0) -> dict[str, float | None]:
    model, found = load_model(model_name), {}
    client = ModbusClient(place["host"], place["port"], unit_id=place["unit_id"], timeout_s=timeout_s)
    await client.connect()
    try:
        for request in plan(model, fields):
            found.update(decode(model, request, await client.read(request)))
    finally:
        await client.close()
    return found


async def _order(place: dict[str, Any], value_m: float) -> None:
    client = ModbusClient(place["host"], place["port"], unit_id=place["unit_id"], timeout_s=5.0)
    await client.connect()
    try:
        await client.write(encode_write(load_model("generic_prv_controller"), "setpoint_m", value_m))
    finally:
        await client.close()


async def test_every_device_answers_and_a_written_setpoint_moves_the_water(tmp_path: Path):
    make_history(SITE, 1, LIVE - timedelta(hours=1), LIVE, out_dir=tmp_path)
    settings = _settings(tmp_path)
    async with _town(settings) as ports:
        meter = await _read(ports["flow-medina"], "generic_flowmeter", ("flow_m3h", "volume_m3"))
        assert 20 < (meter["flow_m3h"] or 0) < 80
        before = await _read(ports["prv-medina"], "generic_prv_controller", ("outlet_m", "setpoint_m"))
        assert before["setpoint_m"] == pytest.approx(38.0)
        assert before["outlet_m"] == pytest.approx(38.0, abs=0.4)
        await _order(ports["prv-medina"], 33.0)
        written = settings.clock.now()
        await _until(lambda: load(tmp_path / STATE).time > written + timedelta(minutes=2))
        after = await _read(ports["prv-medina"], "generic_prv_controller", ("outlet_m", "setpoint_m"))
        assert after["setpoint_m"] == pytest.approx(33.0)
        assert after["outlet_m"] == pytest.approx(33.0, abs=0.4)
        for key, place in ports.items():
            assert place["port"] > 0, key
    assert len(ports) == 35 + 24
    assert len({p["port"] for p in ports.values()}) == 35 + 2  # a data concentrator at each gateway


def _is_past(folder: Path, moment: datetime) -> bool:
    return load(folder / STATE).time > moment


async def test_the_live_log_can_be_replayed_and_control_saved_water(tmp_path: Path):
    make_history(SITE, 1, LIVE - timedelta(hours=1), LIVE, out_dir=tmp_path)
    settings = _settings(tmp_path)
    async with _town(settings) as ports:
        for step in range(1, 5):
            for device, fixed in (("prv-medina", 38.0), ("prv-plateau", 39.0), ("prv-oued", 32.0)):
                await _order(ports[device], fixed - step)
            reached = settings.clock.now()
            await _until(partial(_is_past, tmp_path, reached + timedelta(minutes=8)))
    found = await asyncio.to_thread(compare_live, SITE, tmp_path)
    assert (found.start, found.end) == (LIVE, read_log(tmp_path / LOG)[-1].time)
    assert found.replayed.leak_m3 == pytest.approx(found.controlled.leak_m3, rel=1e-6)
    assert found.replayed.inflow_m3 == pytest.approx(found.controlled.inflow_m3, rel=1e-6)
    assert found.replayed.hours == found.controlled.hours == found.fixed.hours
    assert found.controlled.leak_m3 < 0.99 * found.fixed.leak_m3
    assert found.controlled.customer_minutes_below == found.fixed.customer_minutes_below == 0
    assert found.controlled.lowest_pressure_m < found.fixed.lowest_pressure_m
    begin = load(tmp_path / START)
    steps = read_log(tmp_path / LOG)
    again = replay_run(SITE, 1, "demo", [(s.time, s.setpoints_m) for s in steps], begin, live_start=LIVE)
    assert again.leak_m3 == pytest.approx(found.controlled.leak_m3, rel=1e-6)


async def test_a_second_start_goes_on_where_the_first_stopped(tmp_path: Path):
    make_history(SITE, 1, LIVE - timedelta(hours=1), LIVE, out_dir=tmp_path)
    async with _town(_settings(tmp_path)) as ports:
        await _order(ports["prv-medina"], 35.0)
        await _until(lambda: load(tmp_path / STATE).setpoints_m["prv_medina"] == pytest.approx(35.0))
    stopped = load(tmp_path / STATE)
    async with _town(_settings(tmp_path, origin=stopped.time)) as ports:
        shown = await _read(ports["prv-medina"], "generic_prv_controller", ("setpoint_m",))
        assert shown["setpoint_m"] == pytest.approx(35.0)
    assert load(tmp_path / START) == stopped
    log = read_log(tmp_path / LOG)
    gaps = {(b.time - a.time).total_seconds() == b.seconds for a, b in itertools.pairwise(log)}
    assert gaps == {True}


async def test_after_a_long_absence_the_valves_stand_at_their_safe_setpoint(tmp_path: Path):
    make_history(SITE, 1, LIVE - timedelta(hours=1), LIVE, out_dir=tmp_path)
    async with _town(_settings(tmp_path)) as ports:
        await _order(ports["prv-medina"], 35.0)
        await _until(lambda: load(tmp_path / STATE).setpoints_m["prv_medina"] == pytest.approx(35.0))
    late = _settings(tmp_path, origin=load(tmp_path / STATE).time + timedelta(hours=30))
    async with _town(late) as ports:
        assert load(tmp_path / STATE).time > LIVE + timedelta(hours=30)
        shown = await _read(ports["prv-medina"], "generic_prv_controller", ("setpoint_m",))
        assert shown["setpoint_m"] == pytest.approx(38.0)


async def test_behind_a_lost_link_no_device_answers(tmp_path: Path):
    make_history(SITE, 1, LIVE, LIVE + timedelta(minutes=40), out_dir=tmp_path)
    # Slow, so that the twenty minutes of the fault last while we look.
    settings = _settings(tmp_path, scenario="link_lost", origin=LIVE + timedelta(minutes=44), speed=60)
    async with _town(settings) as ports:
        with pytest.raises(DeviceTimeout):
            await _read(ports["flow-medina"], "generic_flowmeter", ("flow_m3h",), timeout_s=0.3)
        assert (await _read(ports["tank-level"], "generic_tank_level", ("level_m",)))["level_m"]


async def test_the_truth_is_told_and_a_town_without_past_begins_by_itself(tmp_path: Path):
    async with _town(_settings(tmp_path)):
        truth = json.loads((tmp_path / TRUTH).read_text())
        assert truth["live_start"] == LIVE.isoformat()
        assert [f["kind"] for f in truth["faults"]] == ["burst"]
    assert read_log(tmp_path / LOG)[-1].time <= LIVE + timedelta(days=1)


def test_the_fixed_run_counts_faults_from_the_live_start():
    early = fixed_run(SITE, 1, "demo", LIVE, LIVE + timedelta(hours=1))
    late = fixed_run(SITE, 1, "demo", LIVE, LIVE + timedelta(hours=1), live_start=LIVE + timedelta(hours=5))
    assert early.burst_m3 > 1
    with Plant(load_site(SITE), seed=1) as plant:
        resumed = dataclasses.replace(plant.begin(LIVE), time=LIVE + timedelta(hours=5))
    second = fixed_run(SITE, 1, "demo", resumed.time, resumed.time + timedelta(minutes=10), resumed, live_start=LIVE)
    assert second.burst_m3 > 1
    assert late.burst_m3 == 0
    assert early.hours == late.hours == pytest.approx(1)
