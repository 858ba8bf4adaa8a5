from pathlib import Path

import numpy as np
import pytest

from simulator.sensors import HydraulicState, Sensors
from simulator.site import SimulatedSite, load_site

SITE = Path(__file__).resolve().parents[3] / "sites" / "demo"


@pytest.fixture(scope="module")
def site() -> SimulatedSite:
    return load_site(SITE)


@pytest.fixture(scope="module")
def state(site: SimulatedSite) -> HydraulicState:
    return HydraulicState(
        pressures_m=np.array([_pressure(n) for n in site.geometry.nodes]),
        flows_m3h=np.full(len(site.geometry.links), 90.0),
        levels_m={"TANK": 4.0},
        pump_on={"PUMP": True},
        settings_m={"PRV-MED": 36.5, "PRV-PLA": 39.0, "PRV-OUE": 32.0, "PRV-IND": 33.0},
    )


def _pressure(node: str) -> float:
    return {"PS-IN": 5.0, "PS-OUT": 85.0, "V-MED-A": 73.0, "V-MED-B": 38.0}.get(node, 30.0)


def _sensors(site: SimulatedSite, seed: int = 1) -> Sensors:
    links = tuple(k.key for k in site.geometry.links)
    return Sensors(site=site, nodes=tuple(site.geometry.nodes), links=links, seed=seed)


def test_each_point_shows_its_own_place(site: SimulatedSite, state: HydraulicState):
    true = _sensors(site).true_values(state)
    assert true["medina.prv.outlet_pressure"] == 38.0
    assert true["medina.prv.setpoint"] == 36.5
    assert true["medina.inlet.flow"] == 90.0
    assert true["tank.level"] == 4.0
    assert true["pump.state"] == 1.0
    assert "medina.inlet.volume" not in true


def test_power_is_that_of_the_lift_and_energy_its_integral(site: SimulatedSite, state: HydraulicState):
    sensors = _sensors(site)
    lift = 80.0 + site.geometry.nodes["PS-OUT"][2] - site.geometry.nodes["PS-IN"][2]
    power = sensors.true_values(state)["pump.power"]
    assert power == pytest.approx(1.2 + 9.80665 * 90 / 3600 * lift / 0.71)
    assert sensors.rates(state)["pump.energy"] == power
    assert sensors.rates(state)["medina.inlet.volume"] == 90.0


def test_a_valve_opens_for_more_flow_and_for_less_drop(site: SimulatedSite, state: HydraulicState):
    sensors = _sensors(site)
    position = sensors.true_values(state)["medina.prv.position"]
    assert 5 < position < 60
    state.flows_m3h[:] = 45.0
    assert sensors.true_values(state)["medina.prv.position"] < position
    state.flows_m3h[:] = 90.0


def test_noise_has_its_size_and_is_new_each_second(site: SimulatedSite, state: HydraulicState):
    sensors = _sensors(site)
    true = {**sensors.true_values(state), "medina.inlet.volume": 1000.0}
    shown = [sensors.measured(true, 1_800_000_000 + 60 * i) for i in range(600)]
    assert np.std([s["medina.critical1.pressure"] for s in shown]) == pytest.approx(0.06, rel=0.15)
    assert np.std([s["medina.inlet.flow"] for s in shown]) == pytest.approx(0.48, rel=0.15)
    assert np.mean([s["medina.inlet.flow"] for s in shown]) == pytest.approx(90, abs=0.1)
    assert {s["medina.inlet.volume"] for s in shown} == {1000.0}
    assert {s["medina.prv.setpoint"] for s in shown} == {36.5}
    assert shown[0] == sensors.measured(true, 1_800_000_000)
    assert _sensors(site, seed=2).measured(true, 1_800_000_000) != shown[0]
