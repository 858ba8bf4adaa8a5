"""A network file that is wrong is brought to agree with its gauges, and says of each leak what EPANET says."""

import numpy as np
import pytest

from app.leak_network import NetworkCopy
from app.leak_network_state import OperatingState, Unknowns
from app.leak_signatures import calibrated_copy
from domain.errors import ConfigurationError
from leak_detection.model.residuals import learn_regression

_ROWS, _COLUMNS = 4, 5


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory):
    """A grid behind one metered main, and a part behind a tank that a metered pump fills."""
    nodes = [f"J{r}{c}" for r in range(_ROWS) for c in range(_COLUMNS)]
    lines = [
        "[JUNCTIONS]",
        *(f"{n} 10" for n in nodes),
        "S 10",
        "T0 10",
        "T1 10",
        "[RESERVOIRS]",
        "R 70",
        "[TANKS]",
        "TANK 60 3 0 5 10 0",
    ]
    lines += [
        "[PIPES]",
        "MAIN R S 100 300 110 0 Open",
        "IN S J00 100 250 110 0 Open",
        "A TANK T0 200 150 100 0 Open",
        "B T0 T1 200 100 100 0 Open",
    ]
    for r in range(_ROWS):
        for c in range(_COLUMNS):
            lines += [f"H{r}{c} J{r}{c} J{r}{c + 1} 150 120 100 0 Open"] if c + 1 < _COLUMNS else []
            lines += [f"V{r}{c} J{r}{c} J{r + 1}{c} 150 120 100 0 Open"] if r + 1 < _ROWS else []
    lines += ["[PUMPS]", "PUMP J02 TANK HEAD 1", "[CURVES]", "1 15 40"]
    lines += ["[DEMANDS]", *(f"{n} 4 DAY" for n in nodes), "T0 5 DAY", "T1 5 DAY"]
    lines += ["[PATTERNS]", "DAY " + " ".join(f"{0.5 + 0.04 * min(h, 24 - h):.2f}" for h in range(24))]
    lines += ["[TIMES]", "Pattern Timestep 1:00", "[OPTIONS]", "Units CMH", "Headloss H-W", "[END]"]
    path = tmp_path_factory.mktemp("town") / "town.inp"
    path.write_text("\n".join(lines))
    return path


_GAUGES = ("J04", "J12", "J30", "J34", "T1")
_METERS, _TANKS = ("PUMP", "MAIN"), ("TANK",)


def _nothing(copy, states=1):
    file = copy.file
    return Unknowns(
        roughness=np.zeros(len(file.pipes)),
        demand=np.zeros(file.demand.shape[1]),
        pattern=np.zeros((states, len(file.factors))),
        valve_m=np.zeros(len(file.valves)),
    )


_PUMP = 10.0


def _state(hour, inflow, pump=_PUMP):
    return OperatingState(hour=hour, drivers=np.array([pump, inflow, 3.0]), pressure_m=np.zeros(len(_GAUGES)), weight=1.0)


def test_the_pump_is_cut_out_and_the_rest_is_scaled_to_the_metered_main(town):
    with NetworkCopy(town, _GAUGES, _METERS, _TANKS) as copy:
        copy.feed([_state(12, 90.0)])
        assert copy.file.cut == (0,)
        assert copy.file.inlets == (1,)
        demand = copy.load(_state(12, 90.0), 0, _nothing(copy))
        assert demand[copy.file.metered].sum() == pytest.approx(90.0)
        assert copy.read()[1] == pytest.approx([0.0, 90.0], abs=1e-3)
        tank_side = demand[copy.file.behind[copy.file.filled[0]]].sum()
        assert tank_side == pytest.approx(10.0 * copy.file.factors[0, 12] / copy.file.factors[0].mean())


def test_the_derivative_is_what_epanet_gives_for_a_small_leak(town):
    with NetworkCopy(town, _GAUGES, _METERS, _TANKS) as copy:
        demand = copy.load(_state(18, 110.0), 0, _nothing(copy))
        heads, flows = copy.sensitivities()
        solved_heads, solved_flows = copy.leaks(demand, 0.1)
    assert heads == pytest.approx(solved_heads / 0.1, abs=2e-3)
    assert flows == pytest.approx(solved_flows / 0.1, abs=2e-2)


_HOURS, _INFLOWS = (2, 6, 10, 14, 18, 22), (50.0, 70.0, 110.0, 120.0, 100.0, 60.0)


def _truth(town, true_of, hours=6):
    """States as measured in a town that is not as filed, its regression, and what its leaks leave, truly and by the file."""
    with NetworkCopy(town, _GAUGES, _METERS, _TANKS) as copy:
        true = true_of(copy)
        copy.believe(true)
        states, heads, drivers = [], [], []
        for number, (hour, inflow) in enumerate(zip(_HOURS[:hours], _INFLOWS, strict=False)):
            for level in (0.8, 0.9, 1.0, 1.1, 1.2):
                state = _state(hour, _PUMP + level * (inflow - _PUMP))
                copy.load(state, number, true)
                heads.append(copy.read()[0])
                drivers.append(state.drivers)
            copy.load(_state(hour, inflow), number, true)
            pressure = copy.read()[0] - 10.0
            states.append(OperatingState(hour=hour, drivers=_state(hour, inflow).drivers, pressure_m=pressure, weight=1 / 6))
        regression = learn_regression(np.array(heads), np.array(drivers), 100)
        truth = np.mean([_left(copy, s, k, true, regression) for k, s in enumerate(states)], axis=0)
        copy.believe(_nothing(copy, len(_HOURS)))
        filed = np.mean([_left(copy, s, k, _nothing(copy, len(_HOURS)), regression) for k, s in enumerate(states)], axis=0)
        row = {int(j): k for k, j in enumerate(copy.file.junctions)}
        ends = [tuple(int(node) for node in pair) for pair in copy.file.ends[copy.file.pipes]]
    inner = [k for k, (a, b) in enumerate(ends) if a in row and b in row]
    middle = [[row[node] for node in ends[k]] for k in inner]
    return states, regression, truth[middle].mean(axis=1), filed[middle].mean(axis=1), inner


def _signatures(network, gauges, meters, tanks, states, regression):
    with calibrated_copy(network, gauges, meters, tanks, states, regression) as copy:
        return copy.signatures()


def _left(copy, state, number, unknowns, regression):
    heads, flows = copy.leaks(copy.load(state, number, unknowns), 10.0)
    there = np.tile(state.drivers, (len(flows), 1))
    there[:, : flows.shape[1]] += flows
    return (heads - (regression.explained(there) - regression.explained(state.drivers[None]))) / 10.0


def test_a_wrong_file_agrees_with_the_gauges_afterwards_and_its_signatures_are_nearer_the_truth(town):
    def true_of(copy):
        true = _nothing(copy, len(_HOURS))
        true.roughness[:] = np.random.default_rng(8).normal(-0.25, 0.05, len(true.roughness))
        return true

    states, regression, wanted, filed, inner = _truth(town, true_of)
    found = _signatures(town, _GAUGES, _METERS, _TANKS, states, regression)
    assert found.misfit[1] < 0.5 * found.misfit[0]
    assert np.abs(found.signatures.at(10.0)[inner] - wanted).mean() < 0.6 * np.abs(filed - wanted).mean()


def test_a_main_rougher_than_in_the_file_does_not_bend_the_signatures(town):
    """All leaks draw through it, and so does all demand: the regression has learnt what it does."""

    def true_of(copy):
        true = _nothing(copy, len(_HOURS))
        true.roughness[[copy.file.names.index(pipe) for pipe in ("MAIN", "IN")]] = -0.9
        return true

    states, regression, wanted, filed, inner = _truth(town, true_of, hours=1)
    found = _signatures(town, _GAUGES, _METERS, _TANKS, states, regression)  # one state: nothing to calibrate by
    grid = np.array([found.pipes[k].startswith(("H", "V")) for k in inner])
    error = np.abs(found.signatures.at(10.0)[inner] - wanted)[grid].mean()
    assert error < 0.2 * np.abs(filed - wanted)[grid].mean()


def test_a_gauge_that_the_file_does_not_know_is_named(town):
    with pytest.raises(ConfigurationError, match="J99"):
        NetworkCopy(town, ("J99",), _METERS, _TANKS)
