"""The plant on the demonstration's network: physics, repeatability, faults."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.errors import ConfigurationError
from domain.points import PointKind
from domain.zones import ZoneKind
from simulator.faults import Burst, Fault, MeterStuck, PrvStuck, SensorDrift
from simulator.plant import Plant, PlantState, fixed_setpoints
from simulator.site import SimulatedSite, load_site
from simulator.toolkit import Epanet

SITE = Path(__file__).resolve().parents[3] / "sites" / "demo"
NIGHT = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def site() -> SimulatedSite:
    return load_site(SITE)


@pytest.fixture
def plant(site: SimulatedSite) -> Iterator[Plant]:
    with Plant(site, seed=1) as plant:
        plant.begin(NIGHT)
        yield plant


def _run(
    site: SimulatedSite, steps: int, *, seed: int = 1, faults: tuple[Fault, ...] = (), setpoints: dict[str, float] | None = None
) -> list[PlantState]:
    with Plant(site, seed=seed) as plant:
        plant.begin(NIGHT)
        return [
            plant.step(NIGHT + timedelta(minutes=i + 1), setpoints=setpoints or fixed_setpoints(site), faults=faults)
            for i in range(steps)
        ]


def test_the_same_seed_gives_the_same_run_and_another_seed_another(site: SimulatedSite):
    first, again, other = _run(site, 30), _run(site, 30), _run(site, 30, seed=2)
    assert [s.values for s in first] == [s.values for s in again]
    assert [s.leak_m3 for s in first] == [s.leak_m3 for s in again]
    assert first[-1].values != other[-1].values


def test_a_run_goes_on_from_its_memory_as_if_never_interrupted(site: SimulatedSite):
    whole = _run(site, 20)
    with Plant(site, seed=1, memory=whole[9].memory) as second:
        rest = [second.step(NIGHT + timedelta(minutes=i + 1), setpoints={}) for i in range(10, 20)]
    assert rest[-1].leak_m3 == pytest.approx(whole[-1].leak_m3, rel=1e-5)
    assert rest[-1].memory.levels_m == pytest.approx(whole[-1].memory.levels_m, rel=1e-6)
    assert rest[-1].values == pytest.approx(whole[-1].values, abs=0.01)


def test_water_is_neither_made_nor_lost(site: SimulatedSite):
    states = _run(site, 60)
    first, last = states[0], states[-1]
    area = np.pi * 19**2 / 4
    from_tank = (first.memory.levels_m["TANK"] - last.memory.levels_m["TANK"]) * area
    pumped = sum(s.values["pump.flow"] * s.seconds / 3600 for s in states[1:])
    drawn = sum(s.inflow_m3 for s in states[1:])
    assert pumped + from_tank == pytest.approx(drawn, rel=0.01)
    supplied = last.memory.registers["tank.outlet.volume"] - first.memory.registers["tank.outlet.volume"]
    assert supplied == pytest.approx(drawn, rel=0.001)


def test_lower_setpoints_lose_less_water_and_people_drink_the_same(site: SimulatedSite):
    fixed = _run(site, 10)
    lowered = _run(site, 10, setpoints={k: v - 6 for k, v in fixed_setpoints(site).items()})
    leak, less = (sum(s.leak_m3 for s in states) for states in (fixed, lowered))
    assert 0.80 < less / leak < 0.90
    used, same = (sum(s.inflow_m3 - s.leak_m3 for s in states) for states in (fixed, lowered))
    assert same == pytest.approx(used, rel=1e-9)


def test_a_register_runs_on_by_the_flow(plant: Plant):
    before = plant.step(NIGHT + timedelta(minutes=1), setpoints={})
    after = plant.step(NIGHT + timedelta(minutes=2), setpoints={})
    gained = after.memory.registers["medina.inlet.volume"] - before.memory.registers["medina.inlet.volume"]
    assert gained == pytest.approx(after.values["medina.inlet.flow"] / 60, rel=0.03)
    assert after.values["medina.inlet.volume"] == after.memory.registers["medina.inlet.volume"]


@pytest.mark.parametrize(("zone", "node", "size"), [("medina", "M096", 18.0), ("oued", "O058", 12.0)])
def test_a_burst_shows_in_its_zone_and_in_no_other(site: SimulatedSite, zone: str, node: str, size: float):
    burst = Burst(start=NIGHT, zone=zone, node=node, flow_m3h=size, reference_m=40)
    quiet, broken = _run(site, 1)[0], _run(site, 1, faults=(burst,))[0]
    pressure = broken.pressures_m[_node(site, node)]
    assert broken.burst_m3 * 60 == pytest.approx(size * (pressure / 40) ** 0.5, rel=0.005)
    added = {
        z: broken.values[f"{z}.inlet.flow"] - quiet.values[f"{z}.inlet.flow"] for z in ("medina", "plateau", "oued", "industrie")
    }
    expected = {"medina": {"medina"}, "oued": {"oued", "plateau"}}[zone]
    assert {z for z, more in added.items() if more > 5} == expected
    net = added["plateau"] - added["oued"]
    assert abs(net) < 1.0


def test_after_a_burst_the_leak_is_gone(site: SimulatedSite):
    burst = Burst(start=NIGHT, end=NIGHT + timedelta(minutes=5), zone="medina", node="M096", flow_m3h=18, reference_m=40)
    quiet, healed = _run(site, 8)[-1], _run(site, 8, faults=(burst,))[-1]
    assert healed.burst_m3 == 0
    assert healed.leak_m3 == pytest.approx(quiet.leak_m3, rel=1e-4)


def test_a_stuck_meter_repeats_itself_and_is_right_again_afterwards(site: SimulatedSite):
    points = ("medina.inlet.flow", "medina.inlet.volume")
    stuck = MeterStuck(start=NIGHT + timedelta(minutes=3), end=NIGHT + timedelta(minutes=6), points=points)
    right, wrong = _run(site, 8), _run(site, 8, faults=(stuck,))
    for point in points:
        shown = [s.values[point] for s in wrong]
        assert shown[:3] == [s.values[point] for s in right][:3]
        assert shown[2] == shown[3] == shown[4]
        assert shown[5:] == [s.values[point] for s in right][5:]


def test_a_drifting_sensor_reads_more_and_more_too_much(site: SimulatedSite):
    drift = SensorDrift(start=NIGHT, points=("plateau.critical1.pressure",), per_hour=3.0)
    right, wrong = _run(site, 20), _run(site, 20, faults=(drift,))
    error = [
        w.values["plateau.critical1.pressure"] - r.values["plateau.critical1.pressure"] for w, r in zip(wrong, right, strict=True)
    ]
    assert error == pytest.approx([3.0 * (i + 1) / 60 for i in range(20)])
    assert wrong[-1].leak_m3 == right[-1].leak_m3


def test_a_stuck_valve_shows_the_order_and_keeps_its_outlet(plant: Plant):
    stuck = PrvStuck(start=NIGHT + timedelta(minutes=2), end=NIGHT + timedelta(minutes=4), actuator="prv_medina")
    states = [
        plant.step(NIGHT + timedelta(minutes=i + 1), setpoints={"prv_medina": 38.0 if i < 1 else 30.0}, faults=(stuck,))
        for i in range(5)
    ]
    assert [s.values["medina.prv.setpoint"] for s in states] == [38, 30, 30, 30, 30]
    outlet = [s.values["medina.prv.outlet_pressure"] for s in states]
    assert outlet == pytest.approx([38, 38, 38, 30, 30], abs=0.4)


def test_customers_short_of_pressure_are_counted_by_connection_and_minute(site: SimulatedSite):
    state = _run(site, 1, setpoints={"prv_medina": 20.0})[0]
    names = [n for n in site.geometry.connections if state.pressures_m[_node(site, n)] < 20 - 0.05]
    assert names
    assert {site.geometry.zones[n] for n in names} == {"medina"}
    assert state.customer_minutes_below == sum(site.geometry.connections[n] for n in names)
    assert state.lowest_m["medina"] < 20 < state.lowest_m["plateau"]


def test_time_runs_forward_only(plant: Plant):
    with pytest.raises(ValueError, match="cannot step"):
        plant.step(NIGHT, setpoints={})


def test_a_plant_without_memory_says_what_to_do(site: SimulatedSite):
    with Plant(site, seed=1) as fresh, pytest.raises(ValueError, match="begin"):
        fresh.step(NIGHT, setpoints={})


@pytest.mark.parametrize(
    ("change", "message"), [({"node": "X1"}, "a link of the network"), ({"kind": PointKind.INTERVAL}, "register for volume")]
)
def test_a_point_that_does_not_fit_the_network_is_named(site: SimulatedSite, change: dict[str, Any], message: str):
    points = dict(site.inventory.points)
    key = next(k for k in points if k == "medina.inlet.volume")
    points[key] = dataclasses.replace(points[key], **change)
    broken = dataclasses.replace(site, inventory=dataclasses.replace(site.inventory, points=points))
    with pytest.raises(ConfigurationError, match=message):
        Plant(broken, seed=1)


def test_two_weeks_are_sane(site: SimulatedSite):
    """The figures of sites/demo/README.md: pressures, tank, losses, night flow, and critical points that are the lowest."""
    start = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    with Plant(site, seed=3) as plant:
        plant.begin(start)
        states = [plant.step(start + timedelta(minutes=10 * (i + 1)), setpoints={}) for i in range(14 * 144)]
    assert all(s.balanced for s in states)
    assert sum(s.customer_minutes_below for s in states) == 0
    assert all(26 < min(s.lowest_m.values()) < 36 for s in states)
    levels = [s.memory.levels_m["TANK"] for s in states]
    assert min(levels) > 2.2
    assert max(levels) < 6.2
    junctions = _junctions(site)
    assert min(float(s.pressures_m[junctions].min()) for s in states) > 0
    share = sum(s.leak_m3 for s in states) / sum(s.inflow_m3 for s in states)
    assert 0.20 < share < 0.25
    assert 4_800 < sum(s.inflow_m3 for s in states) / 14 < 5_600
    for zone in site.inventory.zones.values():
        if zone.kind is ZoneKind.DMA:
            gap = [min(s.values[p] for p in zone.critical_points) - s.lowest_m[zone.key] for s in states]
            assert max(gap) < 0.4


def _node(site: SimulatedSite, name: str) -> int:
    return _nodes(site.network).index(name)


def _junctions(site: SimulatedSite) -> np.ndarray:
    special = {*site.geometry.reservoirs, *site.geometry.tanks}
    return np.array([i for i, n in enumerate(_nodes(site.network)) if n not in special])


@cache
def _nodes(network: Path) -> tuple[str, ...]:
    with Epanet(network) as epanet:
        return epanet.nodes
