"""Networks unlike the ones the layer grew up with: other units and formulas, pumps into the network, tanks that float, closed
pipes, meters that count the other way; and network files that are wrong."""

from dataclasses import replace

import numpy as np
import pytest

from app.leak_learning import learn_network
from app.leak_network import NetworkCopy
from app.leak_network_state import OperatingState, Unknowns
from app.leak_signatures import _hidden, calibrated_copy
from app.leak_states import operating_states, tank_rises
from app.leak_valves_wander import bends_of, of_settings
from domain.errors import ConfigurationError
from leak_detection.model.residuals import learn_regression
from leak_detection.model.tank_rises import TankRises
from leak_detection.network_past import CalibrationError, NetworkPast
from simulator.toolkit import HydraulicsError

_FEET = 0.3048
# flow, length, diameter, setting: what one of ours is in the file's units
_UNITS = {
    "CMH": (1.0, 1.0, 1.0, 1.0),
    "LPS": (1 / 3.6, 1.0, 1.0, 1.0),
    "GPM": (1 / 0.22712471, 1 / _FEET, 1 / 25.4, 0.4333 / _FEET),
    "MLD": (24 / 1000, 1.0, 1.0, 1.0),
}
_GAUGES, _METERS, _TANKS = ("A", "C", "E", "F"), ("PUMP", "IN"), ("TANK",)


def _town(path, units="CMH", *, formula="H-W", out=False):
    """A pumped main and a second source that feed a small ring with a tank that floats on it, and a part behind a valve."""
    flow, length, wide, setting = _UNITS[units]
    rough = {"H-W": 110.0, "D-W": 0.5 * (1 / _FEET if units == "GPM" else 1.0), "C-M": 0.012}[formula]

    def pipe(name, a, b, metres, mm, status="Open"):
        return f"{name} {a} {b} {metres * length:.6f} {mm * wide:.6f} {rough:.6f} 0 {status}"

    junctions = {"S": 10, "A": 12, "B": 11, "C": 14, "D": 12, "E": 10, "F": 2, "G": 2}
    lines = ["[JUNCTIONS]", *(f"{n} {z * length:.6f}" for n, z in junctions.items())]
    lines += ["[RESERVOIRS]", f"R {20 * length:.6f}", f"Q {61 * length:.6f}"]
    lines += ["[TANKS]", f"TANK {50 * length:.6f} {6 * length:.6f} 0 {12 * length:.6f} {12 * length:.6f} 0"]
    lines += ["[PIPES]", pipe("P1", "S", "A", 300, 250), pipe("P2", "A", "B", 400, 200), pipe("P3", "B", "C", 500, 150)]
    lines += [pipe("P4", "C", "D", 400, 150), pipe("P5", "D", "A", 600, 150), pipe("P6", "B", "TANK", 200, 200)]
    lines += [pipe("IN", "D", "Q", 250, 150) if out else pipe("IN", "Q", "D", 250, 150), pipe("P7", "F", "G", 200, 100)]
    lines += [pipe("P8", "C", "F", 50, 100, "Closed"), pipe("P9", "C", "E", 80, 100)]
    lines += ["[PUMPS]", "PUMP R S HEAD 1", "[CURVES]", f"1 {80 * flow:.6f} {45 * length:.6f}"]
    lines += ["[VALVES]", f"PRV E F {100 * wide:.6f} PRV {30 * setting:.6f} 0"]
    lines += ["[DEMANDS]", *(f"{n} {10 * flow:.6f} DAY" for n in "ABCDFG")]
    lines += ["[PATTERNS]", "DAY " + " ".join(f"{0.5 + 0.04 * min(h, 24 - h):.2f}" for h in range(24))]
    lines += ["[TIMES]", "Pattern Timestep 60 min", "[CONTROLS]", "LINK PUMP CLOSED IF NODE TANK ABOVE 0"]
    lines += ["[OPTIONS]", f"Units {units}", f"Headloss {formula}", "[END]"]
    path.write_text("\n".join(lines))
    return path


def _signatures(network, gauges, meters, tanks, states, regression):
    with calibrated_copy(network, gauges, meters, tanks, states, regression) as copy:
        return copy.signatures()


def _no_solution(*_):
    raise HydraulicsError("no solution")


def _nothing(copy, states=1):
    file = copy.file
    return Unknowns(
        roughness=np.zeros(len(file.pipes)), demand=np.zeros(file.demand.shape[1]),
        pattern=np.zeros((states, len(file.factors))), valve_m=np.zeros(len(file.valves)),
    )  # fmt: skip


def _state(pump=80.0, second=20.0, rise_m_h=0.1, hour=12):
    return OperatingState(
        hour=hour,
        drivers=np.array([pump, second, 6.0]),
        pressure_m=np.zeros(len(_GAUGES)),
        weight=1.0,
        rise_m_h=np.array([rise_m_h]),
    )


def _solved(path, state):
    with NetworkCopy(path, _GAUGES, _METERS, _TANKS) as copy:
        copy.feed([state])
        demand = copy.load(state, 0, _nothing(copy))
        copy.check(state)
        return copy.file, demand, copy.read(), copy.pressures(), copy.sensitivities(), copy.leaks(demand, 0.2)


@pytest.fixture(name="metric", scope="module")
def _metric(tmp_path_factory):
    return _solved(_town(tmp_path_factory.mktemp("metric") / "town.inp"), _state())


@pytest.mark.parametrize("units", ["LPS", "GPM", "MLD"])
def test_the_same_town_in_other_units_is_the_same_town(metric, units, tmp_path):
    file, demand, (heads, flows), pressures, sensitivities, _ = _solved(_town(tmp_path / "town.inp", units), _state())
    assert file.demand == pytest.approx(metric[0].demand, rel=1e-4)
    assert file.length_m == pytest.approx(metric[0].length_m, rel=1e-6)
    assert file.valves[0][1] == pytest.approx(30.0, rel=1e-4)
    assert file.tank_area_m2 == pytest.approx(metric[0].tank_area_m2, rel=1e-5)
    assert demand == pytest.approx(metric[1], rel=1e-4)
    assert heads == pytest.approx(metric[2][0], abs=0.01)
    assert flows == pytest.approx(metric[2][1], abs=0.1)
    assert pressures == pytest.approx(metric[3], abs=0.01)
    assert sensitivities[0] == pytest.approx(metric[4][0], abs=1e-3)


@pytest.mark.parametrize("formula", ["H-W", "D-W", "C-M"])
def test_the_derivative_knows_pumps_valves_and_the_formula(formula, tmp_path):
    *_, (heads, flows), (solved_heads, solved_flows) = _solved(_town(tmp_path / "town.inp", formula=formula), _state())
    largest = np.abs(solved_heads / 0.2).max()
    assert heads == pytest.approx(solved_heads / 0.2, abs=0.03 * largest)
    assert flows[:, :2] == pytest.approx(solved_flows[:, :2] / 0.2, abs=0.05)
    assert flows[:, 2] == pytest.approx(solved_flows[:, 2] / 0.2, abs=0.05 / (np.pi * 36))


def test_demand_is_inflow_less_what_a_floating_tank_takes(metric):
    file, demand = metric[0], metric[1]
    assert file.inlets == (0, 1)
    assert file.floating == (0,)
    assert file.cut == ()
    assert demand[file.metered].sum() == pytest.approx(100.0 - 0.1 * np.pi * 36)


def test_a_pump_runs_by_its_meter_and_not_by_the_files_controls(tmp_path):
    path = _town(tmp_path / "town.inp")
    with NetworkCopy(path, _GAUGES, _METERS, _TANKS) as copy:
        states = [_state(), _state(pump=0.0, second=30.0, rise_m_h=-0.3)]
        copy.feed(states)
        pumped = []
        for number, state in enumerate((*states, states[0])):
            copy.load(state, number % 2, _nothing(copy, 2))
            pumped.append(float(copy.read()[1][0]))
    assert pumped[0] > 30
    assert pumped[1] == pytest.approx(0.0, abs=1e-3)
    assert pumped[2] == pytest.approx(pumped[0], rel=1e-2)


def test_pumps_one_behind_another_run_though_the_file_lets_them_stand(tmp_path):
    path = _town(tmp_path / "town.inp")
    text = path.read_text().replace("S 10.000000", "S 10.000000\nM 10.000000", 1)
    text = text.replace("PUMP R S HEAD 1", "PUMP R M HEAD 1\nPUMP2 M S HEAD 2\nSPARE M S HEAD 2").replace(
        "1 80.000000 45", "1 80 25"
    )
    text = text.replace("[VALVES]", "2 80 20\n[STATUS]\nPUMP Closed\nPUMP2 Closed\nSPARE Closed\n[VALVES]")
    path.write_text(text)
    with NetworkCopy(path, _GAUGES, ("PUMP", "PUMP2", "SPARE", "IN"), _TANKS) as copy:
        states = [
            OperatingState(hour=2, drivers=np.array([*flows, 20.0, 6.0]), pressure_m=np.zeros(4), weight=1.0, rise_m_h=np.zeros(1))
            for flows in ((0.0, 0.0, 0.0), (70.0, 70.0, 0.0), (80.0, 40.0, 40.0))
        ]
        copy.feed(states)
        flows = []
        for number, state in enumerate(states):
            copy.load(state, number, _nothing(copy, 3))
            copy.check(state)
            flows.append(copy.read()[1])
    assert flows[0][:3] == pytest.approx([0, 0, 0], abs=1e-3)
    assert flows[1][0] == pytest.approx(flows[1][1], rel=1e-3)
    assert flows[1][0] > 30
    assert flows[1][2] == pytest.approx(0.0, abs=1e-3)
    assert flows[2][1:3].sum() == pytest.approx(flows[2][0], rel=1e-3)


def test_a_meter_may_count_inflow_up_where_the_file_draws_its_pipe_outwards(metric, tmp_path):
    file, demand, (_, flows), *_ = _solved(_town(tmp_path / "town.inp", out=True), _state())
    assert file.inward == (1.0, -1.0)
    assert demand == pytest.approx(metric[1])
    assert flows[1] == pytest.approx(metric[2][1][1], abs=0.05)
    assert flows[1] > 0
    *_, (_, as_drawn), _, _, _ = _solved(tmp_path / "town.inp", _state(second=-20.0))
    assert as_drawn[1] == pytest.approx(-flows[1], abs=0.05)


def test_a_valve_that_wanders_lifts_the_gauges_behind_it_while_it_regulates(tmp_path):
    still = learn_regression(np.zeros((400, 4)), np.random.default_rng(1).normal(100, 10, (400, 3)), 100)
    with NetworkCopy(_town(tmp_path / "town.inp"), _GAUGES, _METERS, _TANKS) as copy:
        state, nothing = _state(), _nothing(copy, states=2)
        copy.feed([state])
        copy.believe(nothing)
        copy.load(state, 0, nothing)
        before = copy.pressures()
        assert of_settings(copy, [state, state], nothing, still) == pytest.approx(np.array([[0.0, 0.0, 0.0, 1.0]]), abs=0.02)
        copy.load(state, 0, nothing)
        assert copy.pressures() == pytest.approx(before, abs=1e-3)
        wide_open = replace(nothing, valve_m=np.array([60.0]))
        assert of_settings(copy, [state], wide_open, still) == pytest.approx(np.zeros((1, 4)), abs=0.02)


def test_how_far_a_valve_is_from_a_straight_line_is_known_and_its_name(tmp_path, monkeypatch):
    still = learn_regression(np.zeros((400, 4)), np.random.default_rng(1).normal(100, 10, (400, 3)), 100)
    path, state = _town(tmp_path / "town.inp"), _state()
    (valve,) = _signatures(path, _GAUGES, _METERS, _TANKS, [state], still).valves
    assert valve.name == "PRV"
    assert valve.bend < 0.02
    with NetworkCopy(path, _GAUGES, _METERS, _TANKS) as copy:
        nothing = _nothing(copy, states=2)
        copy.feed([state])
        wide_open = replace(nothing, valve_m=np.array([60.0]))
        assert bends_of(copy, [state, state], wide_open, still) == [1.0], "it does not regulate"
        # As where the regression takes a part of the change for demand, up and down alike.
        monkeypatch.setattr("app.leak_valves_wander.taken_for_demand", lambda *_: np.array([[0.0, 0.0, 0.0, 0.3]]))
        assert bends_of(copy, [state, state], nothing, still) == pytest.approx([0.3], abs=0.02)
        monkeypatch.setattr("app.leak_valves_wander._solved", _no_solution)
        assert bends_of(copy, [state], nothing, still) == [1.0]


def test_a_tank_nobody_measures_is_said_and_the_day_is_fed_as_a_whole(tmp_path):
    path, state = _town(tmp_path / "town.inp"), _state()
    state = OperatingState(hour=0, drivers=state.drivers[:2], pressure_m=np.full(4, 30.0), weight=1.0)
    with NetworkCopy(path, _GAUGES, _METERS, ()) as copy:
        copy.feed([state])
        assert copy.file.unread_tanks == ("TANK",)
        assert copy.load(state, 0, _nothing(copy))[copy.file.metered].sum() == pytest.approx(100.0 * 0.5 / copy.file.factors.mean())
    still = learn_regression(np.zeros((400, 4)), np.random.default_rng(1).normal(100, 10, (400, 2)), 100)
    found = _signatures(path, _GAUGES, _METERS, (), [state], still)
    assert "level of TANK not measured" in found.doubts[0]


def test_a_gauge_far_from_the_file_and_no_metered_inlet_are_said(tmp_path):
    path = _town(tmp_path / "town.inp")
    rng = np.random.default_rng(1)
    with NetworkCopy(path, _GAUGES, ("P3",), _TANKS) as copy:
        state = OperatingState(hour=0, drivers=np.array([5.0, 6.0]), pressure_m=np.zeros(4), weight=1.0, rise_m_h=np.zeros(1))
        copy.feed([state])
        copy.load(state, 0, _nothing(copy))
        read = copy.pressures()
    state = OperatingState(
        hour=0, drivers=state.drivers, pressure_m=read + np.array([0, 0, 40.0, 0]), weight=1.0, rise_m_h=np.zeros(1)
    )
    still = learn_regression(np.zeros((400, 4)), rng.normal(100, 10, (400, 2)), 100)
    doubts = _signatures(path, _GAUGES, ("P3",), _TANKS, [state], still).doubts
    assert doubts[0].startswith("no metered inlet")
    assert doubts[1].startswith("gauge E reads")
    psi = OperatingState(hour=0, drivers=state.drivers, pressure_m=read * 1.422, weight=1.0, rise_m_h=np.zeros(1))
    assert any("may be in psi" in d for d in _signatures(path, _GAUGES, ("P3",), _TANKS, [psi], still).doubts)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ((("A", "X9"), _METERS, _TANKS), r"gauge = 'X9'.*1 of 2 are not in it"),
        ((("A", "CC"), _METERS, _TANKS), "near CC: C"),
        ((_GAUGES, ("PUMP2",), _TANKS), "near PUMP2: PUMP"),
        ((_GAUGES, _METERS, ("A",)), r"tank = 'A'.*a tank: TANK"),
    ],
)
def test_points_that_the_file_does_not_know_are_named_with_what_is_near(points, words, tmp_path):
    with pytest.raises(ConfigurationError, match=words):
        NetworkCopy(_town(tmp_path / "town.inp"), *points)


def test_a_tower_filled_from_the_part_that_it_feeds_floats_on_it(tmp_path):
    path = _town(tmp_path / "town.inp")
    path.write_text(path.read_text().replace("[PUMPS]", "[PUMPS]\nUP C TANK POWER 1", 1))
    with NetworkCopy(path, _GAUGES, ("PUMP", "IN", "UP"), _TANKS) as copy:
        assert copy.file.cut == ()
        assert copy.file.floating == (0,)


def test_a_leak_that_no_gauge_sees_has_no_signature():
    change = np.array([[[0.2, 0.1], [0.003, -0.005], [0.3, 0.0], [0.05, 0.1]]])
    assert _hidden(change).tolist() == [False, True, False, False]


def test_a_file_that_epanet_does_not_read_is_refused_by_its_line(tmp_path):
    path = _town(tmp_path / "town.inp")
    path.write_text(path.read_text().replace("P3 B C", "P3 B NOWHERE"))
    with pytest.raises(HydraulicsError, match=r"undefined node NOWHERE in \[PIPES\].*P3 B NOWHERE"):
        NetworkCopy(path, _GAUGES, _METERS, _TANKS)


def _past(path, days=35, **changed):
    rng, rows = np.random.default_rng(2), days * 24
    day = np.sin(2 * np.pi * np.arange(rows) / 24)
    drivers = np.stack([80 + 10 * day, 20 + 2 * day, 6 + 0.3 * np.roll(day, 6)], axis=1) + rng.normal(0, 0.2, (rows, 3))
    pressure = 40 - 0.05 * drivers[:, :1] + rng.normal(0, 0.02, (rows, 4))
    whole = {
        "network": path, "gauges": _GAUGES, "meters": _METERS, "tanks": _TANKS, "opening": 28, "per_day": 24,
        "hour": np.arange(rows) % 24, "pressure_m": pressure, "drivers": drivers,
    }  # fmt: skip
    return NetworkPast(**(whole | changed))


def test_of_many_pump_states_the_commonest_of_an_hour_counts_and_levels_have_their_rise(tmp_path):
    rng, past = np.random.default_rng(3), _past(tmp_path)
    meters = tuple(f"M{k}" for k in range(5))
    on = rng.random((len(past.drivers), 5)) < 0.5
    many = _past(tmp_path, meters=meters, drivers=np.concatenate([np.where(on, 3.0, 0.0), past.drivers[:, 2:]], axis=1))
    nothing = TankRises(per_day=24)
    states = operating_states(many, nothing)
    assert {s.hour for s in states} == {2, 5, 8, 11, 14, 17, 20, 23}
    rise = {s.hour: s.rise_m_h[0] for s in operating_states(past, nothing)}
    assert rise[11] > 0 > rise[23]


def test_where_tanks_float_a_state_is_of_one_set_of_pumps_and_full_tanks(tmp_path):
    past = _past(_town(tmp_path / "town.inp"))
    hour, rows = past.hour[: 28 * 24], 28 * 24
    drivers = past.drivers[:rows].copy()
    on = (hour >= 4) & (hour < 16)
    drivers[:, 0] = np.where(on, 80.0, 0.0)
    drivers[:, 2] = np.minimum(4.0 + np.cumsum(np.where(on, 0.4, -0.4)), 12.0)
    drivers[:, 2] -= drivers[:, 2].min() - 2.0
    past = _past(past.network, drivers=np.concatenate([drivers, past.drivers[rows:]]))
    rises = tank_rises(past)
    assert (rises.tanks, rises.pumps) == ((2,), (0,))
    known = rises.anew().add(past.drivers[:rows])
    assert np.isnan(known[hour == 4, 3]).all()
    assert known[10, 3] == pytest.approx(0.4)
    states = operating_states(past, rises)
    assert {(s.hour, bool(s.drivers[0] > 40)) for s in states} == {(h, 4 <= h < 16) for h in (2, 5, 8, 11, 14, 17, 20, 23)}
    assert {s.hour for s in states if s.rise_m_h[0] > 0.3} == {5, 8, 11, 14}


def test_calibration_knows_what_flows_into_floating_tanks(tmp_path):
    path, states = _town(tmp_path / "town.inp"), [_state(), _state(pump=0.0, second=30.0, rise_m_h=-0.3, hour=2)]
    with NetworkCopy(path, _GAUGES, _METERS, _TANKS) as copy:
        copy.feed(states)
        demand = copy.load(states[0], 0, _nothing(copy, 2))
        flow = copy.read()[1]
    into = flow[2] * np.pi * 36
    assert flow[:2].sum() == pytest.approx(demand.sum() + into, rel=1e-3)
    assert copy.metered.free_flows(flow[None])[0] == pytest.approx([flow[0], flow[1], into], rel=1e-6)
    assert copy.metered.rises(states[1]) == pytest.approx([-0.3])


def test_too_few_gauges_or_no_meter_in_the_days_that_teach_is_said_in_numbers(tmp_path):
    path = _town(tmp_path / "town.inp")
    past = _past(path)
    silent = past.pressure_m.copy()
    silent[:, 1:3] = np.nan
    with pytest.raises(CalibrationError, match=r"2 of 4 gauges.*C, E.*at least 3"):
        learn_network(_past(path, pressure_m=silent))
    dead = past.drivers.copy()
    dead[:, :2] = np.nan
    with pytest.raises(CalibrationError, match="no flow meter was read"):
        learn_network(_past(path, drivers=dead))


def test_a_network_without_a_solution_is_refused_with_its_numbers(tmp_path, monkeypatch):
    path, state = _town(tmp_path / "town.inp"), _state()
    with NetworkCopy(path, _GAUGES, _METERS, _TANKS) as copy:
        copy.feed([state])
        copy.load(state, 0, _nothing(copy))
        copy.check(state)
        monkeypatch.setattr(copy.net, "imbalance", lambda: 0.31)
        with pytest.raises(HydraulicsError, match=r"does not balance at 12:00 with 88.7 m³/h of demand.*by 0.31 of their sum"):
            copy.check(state)
    monkeypatch.setattr("app.leak_network._BALANCED", -1.0)
    still = learn_regression(np.zeros((400, 4)), np.random.default_rng(1).normal(100, 10, (400, 3)), 100)
    with pytest.raises(HydraulicsError, match=r"town\.inp at 12:00: the network does not balance"):
        _signatures(path, _GAUGES, _METERS, _TANKS, [state], still)


def test_states_that_do_not_settle_are_left_out_or_the_network_is_refused(tmp_path, monkeypatch):
    path, states = _town(tmp_path / "town.inp"), [_state(), _state(hour=2)]
    still = learn_regression(np.zeros((400, 4)), np.random.default_rng(1).normal(100, 10, (400, 3)), 100)
    answers = iter([True, False])
    monkeypatch.setattr(NetworkCopy, "settled", lambda _: next(answers))
    doubts = _signatures(path, _GAUGES, _METERS, _TANKS, states, still).doubts
    assert doubts[0].startswith("the network does not settle at 2:00")
    monkeypatch.setattr(NetworkCopy, "settled", lambda _: False)
    with pytest.raises(HydraulicsError, match=r"town\.inp settles in 0% of its states.*at 2:00, 12:00"):
        _signatures(path, _GAUGES, _METERS, _TANKS, states, still)
