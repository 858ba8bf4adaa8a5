"""What leaks do to gauges and meters, for ``leak_detection.model``: from a network file that was made to agree with the gauges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.leak_network import NetworkCopy
from app.leak_network_state import OperatingState, Unknowns
from app.leak_signature_demand import of_demand, taken_for_demand, weights
from app.leak_signature_doubts import POOR_MISFIT, cut_off, doubts
from app.leak_valves_wander import of_settings
from app.leaks_progress import Seen, nobody
from domain.series import FloatArray
from leak_detection.model.calibration import smooth
from leak_detection.model.places import distances
from leak_detection.model.residuals import FlowRegression
from leak_detection.model.signatures import SignatureSet
from simulator.toolkit import HydraulicsError

_SIZES_M3H = (1.0, 10.0, 25.0)
_USUAL_INFLOW_M3H = 600.0
"""With more the leaks that are solved are larger, too."""
_DRAWS, _KEPT = 250, 16
_SEED = 1
"""Of the draws: a file and its gauges always make the same signatures."""
_PRESSURE_ERROR_M, _SHARE_ERROR, _FLOW_ERROR = 0.02, 0.01, 0.02
"""Of a state's mean pressure against the mean of all states, of an inlet's share of the inflow, of a flow as a share of that."""
_LEAST_SOLVED, _LEAST_SETTLED, _CONFLICT_SD = 0.5, 0.3, 100.0
_STEPS = 6
"""In which a file is moved, at most, that one step does not bring near the gauges."""
_ROUGH = 0.001
"""Of all flow; so much a state that settled may still change."""
_HIDDEN = 0.04
"""Of what a leak in the middle pipe does to the gauge that shows it most."""
_ALIKE, _PIPE, _DEMAND, _PATTERN, _HOUR, _VALVE_M = 0.08, 0.10, 0.20, 0.15, 0.08, 0.30
"""How wrong files are, one standard deviation: roughness of all pipes laid alike and of each, demand of a node, a pattern as a
whole and in an hour, setting of a valve."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkSignatures:
    """Signatures with the names of their places."""

    pipes: tuple[str, ...]
    signatures: SignatureSet
    behind_tank: tuple[tuple[int, np.ndarray], ...]
    """For each meter of a pump that fills a tank: its place among the meters, and which pipes lie behind that tank."""
    tank_area_m2: tuple[float, ...]
    misfit: tuple[float, float]
    """Root mean square of measured less predicted, over the error of a measurement, before and after."""
    doubts: tuple[str, ...] = ()
    """Where file and gauges do not agree, in words."""


def make_signatures(
    network: Path,
    gauges: tuple[str, ...],
    meters: tuple[str, ...],
    tanks: tuple[str, ...],
    states: Sequence[OperatingState],
    regression: FlowRegression,
    *,
    seen: Seen = nobody,
) -> NetworkSignatures:
    """Calibrates the network and solves it with a leak of each size at each junction.

    Args:
        network: EPANET file.
        gauges: Nodes with a gauge.
        meters: Links with a meter.
        tanks: Tanks whose levels follow the flows in the drivers.
        states: What was measured, by hour of the day.
        regression: Of the gauges on the drivers; what it takes for demand is taken off the signatures.
        seen: Is told how far it is.

    Raises:
        ConfigurationError: A gauge, meter or tank is not in the network.
        HydraulicsError: EPANET does not accept the file or finds no solution.
    """
    with NetworkCopy(network, gauges, meters, tanks) as copy:
        copy.feed(states)
        level, settled, rough = _check(copy, gauges, states)
        states = [state for state, good in zip(states, settled, strict=True) if good]
    with NetworkCopy(network, gauges, meters, tanks) as copy:
        copy.feed(states)
        draws, misfit, used = _calibrate(copy, states, np.random.default_rng(_SEED), seen)
        middle = _unpack(copy, draws.mean(axis=0), len(states))
        sizes = np.array(_SIZES_M3H) * max(1.0, copy.metered.usual_m3h / _USUAL_INFLOW_M3H)
        change = _changes(copy, states, middle, regression, sizes, seen)
        change[:, _hidden(change)] = 0.0
        spread = _spread(copy, states, draws[:_KEPT], regression)
        file = copy.file
        ends = _pipe_ends(copy)
        return NetworkSignatures(
            pipes=file.names,
            signatures=SignatureSet(
                sizes_m3h=sizes,
                change_m=change,
                spread_m=spread,
                distance_m=distances(file.ends[file.pipes], file.length_m),
                metered=np.zeros(len(file.pipes), dtype=bool),
                wander_m=of_settings(copy, states, middle, regression),
            ),
            behind_tank=tuple((k, file.behind[tank][ends[:, 0]]) for k, tank in file.filled.items()),
            tank_area_m2=tuple(file.tank_area_m2.get(tank, 0.0) for tank in file.filled.values()),
            misfit=misfit,
            doubts=rough + doubts(copy, gauges, states, level, misfit, used),
        )


def _hidden(change_m: FloatArray) -> NDArray[np.bool_]:
    """Pipes whose leaks move no gauge to speak of, such as those between a source and its meter, shape (P,).

    Whatever small change is left over would be a leak there, of any flow.
    """
    seen = np.abs(change_m[-1]).max(axis=1)
    return np.asarray(seen < _HIDDEN * np.median(seen))


def _check(
    copy: NetworkCopy, gauges: tuple[str, ...], states: Sequence[OperatingState]
) -> tuple[FloatArray, list[bool], tuple[str, ...]]:
    """Solves each state as the file has it.

    Returns:
        Mean pressure of the gauges [m], shape (G,), over the states that settle; which do; and what is wrong with the others, or
        with a balance that is hardly one, in words.

    Raises:
        HydraulicsError: A state has no solution, or hardly any settles; a gauge is cut off from every source.
    """
    nothing = _unpack(copy, np.zeros_like(_draw(copy, len(states), np.random.default_rng(0))), len(states))
    pressures, errors, settled = [], [], []
    for number, state in enumerate(states):
        try:
            copy.load(state, number, nothing)
            errors.append(copy.check(state))
        except HydraulicsError as error:
            raise HydraulicsError(f"{copy.name} at {state.hour}:00: {error}") from error
        pressures.append(copy.pressures())
        if words := cut_off(gauges, pressures[-1]):
            drawn = float((copy.file.demand * copy.file.factors[:, state.hour, None]).sum())
            inflow = copy.metered.inflow(state.drivers)
            flows = f"{inflow:.1f} m³/h are metered in that hour, the file's demands are {drawn:.1f} m³/h"
            raise HydraulicsError(f"{copy.name} at {state.hour}:00: {words}, or meters and file have other units ({flows})")
        settled.append(copy.settled())
    weight, hours = weights(states), sorted({s.hour for s, good in zip(states, settled, strict=True) if not good})
    at = ", ".join(f"{hour}:00" for hour in hours)
    share = float(weight[settled].sum())
    if share < _LEAST_SETTLED:
        raise HydraulicsError(
            f"{copy.name} settles in {share:.0%} of its states, {_LEAST_SETTLED:.0%} at least are needed; at {at} EPANET goes "
            "round in a circle, most often of pumps and check valves that open and close by turns: see whether pumps and closed "
            "pipes of the file are right, and the steps of the meters short enough to see which pumps run together"
        )
    said = [f"the network does not settle at {at}: pumps or check valves open and close by turns; these hours are left out"]
    if max(errors) > _ROUGH:
        worst = int(np.argmax(errors))
        said.append(
            f"the network hardly balances at {states[worst].hour}:00 (flows still change by {errors[worst]:.1g} of their sum, "
            f"{_ROUGH} at most are usual): what leaks do to the gauges is not known well"
        )
    level = weight[settled] @ np.array(pressures)[settled] / share
    return np.asarray(level), settled, tuple(said if hours else said[1:])


def _calibrate(
    copy: NetworkCopy, states: Sequence[OperatingState], rng: np.random.Generator, seen: Seen
) -> tuple[FloatArray, tuple[float, float], float]:
    """Draws of the unknowns that agree with the measured states, the misfit before and after, and the share of readings used."""
    first = np.array([_draw(copy, len(states), rng) for _ in range(_DRAWS)])
    flows = np.array([np.concatenate([s.drivers[: len(copy.file.meters)], copy.metered.rises(s)]) for s in states])
    measured = _scaled(np.array([s.pressure_m for s in states]), flows, copy)

    first, predicted = _solvable(copy, states, first, seen)
    # What no variation of the file comes near is wrong in another way: it would drag all else along.
    told = np.abs(measured - predicted.mean(axis=0)) <= _CONFLICT_SD * np.sqrt(predicted.var(axis=0) + 1.0)
    if not told.any():
        raise HydraulicsError(
            f"{copy.name}: none of the {len(told)} hourly pressures and inflow shares lies near what any variation of the file "
            "gives: its sources, mains, pumps or units, or the units of gauges and meters, are wrong"
        )
    kept = slice(None) if told.all() else told

    def misfit(draw: FloatArray) -> float:
        try:
            return _rms((_predict(copy, states, draw) - measured)[kept])
        except HydraulicsError:
            # Moved to where the network has no solution: no fit at all.
            return float("inf")

    after = smooth(first, predicted[:, kept], measured[kept], rng)
    before, best = misfit(np.zeros(first.shape[1])), misfit(after.mean(axis=0))
    if best <= POOR_MISFIT:
        return after, (before, best), float(told.mean())
    # Far from straight: small steps follow the bend, each taking the measurements for as bad as they still fit (Iglesias and Yang
    # 2021, Inverse Problems 37, 025008).
    draws, left = first, 1.0
    try:
        for step in range(_STEPS):
            if step:
                draws, predicted = _solvable(copy, states, draws, seen)
            share = min(1.0 / max(_rms(predicted[:, kept] - measured[kept]) ** 2, 1.0), left)
            draws = smooth(draws, predicted[:, kept], measured[kept], rng, error=share**-0.5)
            left -= share
            if left <= 0:
                break
        stepped = misfit(draws.mean(axis=0))
    except HydraulicsError:
        stepped = float("inf")
    found = min((before, 0, first), (best, 1, after), (stepped, 2, draws), key=lambda one: one[:2])
    return found[2], (before, found[0]), float(told.mean())


def _solvable(copy: NetworkCopy, states: Sequence[OperatingState], draws: FloatArray, seen: Seen) -> tuple[FloatArray, FloatArray]:
    """Draws in which the network has a solution, and what they predict.

    Raises:
        HydraulicsError: Hardly any has.
    """
    predicted = []
    for done, draw in enumerate(draws):
        seen("the network file is made to agree with the gauges", done, len(draws))
        try:
            predicted.append(_predict(copy, states, draw))
        except HydraulicsError:
            # A draw may be a network that cannot be: it says nothing.
            predicted.append(np.full(1, np.nan))
    solved = np.array([bool(np.isfinite(p).all()) for p in predicted])
    if solved.sum() < _LEAST_SOLVED * len(draws):
        raise HydraulicsError(
            f"{copy.name} has a solution in {int(solved.sum())} of {len(draws)} variations of its roughness, demands and valves, "
            f"{_LEAST_SOLVED:.0%} at least are needed: pumps, closed pipes or units of the file may be wrong"
        )
    return draws[solved], np.array([p for p, ok in zip(predicted, solved, strict=True) if ok])


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.nanmean(values**2)))


def _draw(copy: NetworkCopy, states: int, rng: np.random.Generator) -> FloatArray:
    file = copy.file
    alike = rng.normal(0.0, _ALIKE, int(file.kind.max()) + 1)[file.kind]
    pattern = rng.normal(0.0, _PATTERN, (1, len(file.factors))) + rng.normal(0.0, _HOUR, (states, len(file.factors)))
    return np.concatenate(
        [
            alike + rng.normal(0.0, _PIPE, len(file.pipes)),
            rng.normal(0.0, _DEMAND, file.demand.shape[1]),
            pattern.ravel(),
            rng.normal(0.0, _VALVE_M, len(file.valves)),
        ]
    )


def _unpack(copy: NetworkCopy, draw: FloatArray, states: int) -> Unknowns:
    file = copy.file
    at = np.cumsum([len(file.pipes), file.demand.shape[1], states * len(file.factors)])
    roughness, demand, pattern, valve = np.split(draw, at)
    return Unknowns(roughness=roughness, demand=demand, pattern=pattern.reshape(states, -1), valve_m=valve)


def _predict(copy: NetworkCopy, states: Sequence[OperatingState], draw: FloatArray) -> FloatArray:
    unknowns = _unpack(copy, draw, len(states))
    copy.believe(unknowns)
    heads, flows = [], []
    for number, state in enumerate(states):
        copy.load(state, number, unknowns)
        head, flow = copy.read()
        heads.append(head)
        flows.append(flow)
    return _scaled(np.array(heads), np.array(flows), copy)


def _scaled(head_m: FloatArray, flow_m3h: FloatArray, copy: NetworkCopy) -> FloatArray:
    """States against their mean (a gauge's own height does not matter) and shares of the inlets, over their errors.

    Where tanks float, inflow does not follow from demand: then flows of the pumps and into the tanks count, too.
    """
    parts = [((head_m - head_m.mean(axis=0)) / _PRESSURE_ERROR_M).ravel()]
    if copy.file.floating:
        parts.append((copy.metered.free_flows(flow_m3h) / (_FLOW_ERROR * copy.metered.usual_m3h)).ravel())
    elif len(copy.file.inlets) > 1:
        inlet = flow_m3h[:, list(copy.file.inlets)] * copy.metered.inward
        parts.append((inlet[:, :-1] / np.maximum(inlet.sum(axis=1, keepdims=True), 1e-9) / _SHARE_ERROR).ravel())
    return np.concatenate(parts)


def _pipe_ends(copy: NetworkCopy) -> np.ndarray:
    """Both ends of each pipe; a pipe that ends at a source or tank takes the signature of its other end."""
    ends = copy.file.ends[copy.file.pipes]
    fixed = np.isin(ends, copy.file.fixed)
    return np.where(fixed, ends[:, ::-1], ends)


def _on_pipes(copy: NetworkCopy, by_junction: FloatArray) -> FloatArray:
    """Middle of both ends, shape (pipes, G)."""
    node = np.zeros((len(copy.net.nodes), by_junction.shape[1]))
    node[copy.file.junctions] = by_junction
    return np.asarray(node[_pipe_ends(copy)].mean(axis=1))


def _changes(
    copy: NetworkCopy,
    states: Sequence[OperatingState],
    unknowns: Unknowns,
    regression: FlowRegression,
    sizes_m3h: FloatArray,
    seen: Seen,
) -> FloatArray:
    """Change of the residual per m³/h, shape (sizes, P, G)."""
    copy.believe(unknowns)
    per_size: list[FloatArray] = []
    usual: dict[int, FloatArray] = {}
    for size in sizes_m3h:
        total = np.zeros((len(copy.file.junctions), len(copy.file.gauges)))
        for number, (state, weight) in enumerate(zip(states, weights(states), strict=True)):
            seen("a leak is put at every junction", len(per_size) * len(states) + number, len(sizes_m3h) * len(states))
            demand = copy.load(state, number, unknowns)
            heads, flows = copy.leaks(demand, float(size))
            rest = (heads - taken_for_demand(copy, regression, state, flows)) / size
            # Demand rises everywhere by a little: the smallest leaks say what that does.
            usual.setdefault(number, of_demand(copy, state, demand, rest))
            total += weight * (rest - usual[number])
        per_size.append(_on_pipes(copy, total))
    return np.array(per_size)


def _spread(copy: NetworkCopy, states: Sequence[OperatingState], draws: FloatArray, regression: FlowRegression) -> FloatArray:
    """Covariance of the signatures over the draws, shape (P, G, G)."""
    found = []
    for draw in draws:
        unknowns = _unpack(copy, draw, len(states))
        copy.believe(unknowns)
        total = np.zeros((len(copy.file.junctions), len(copy.file.gauges)))
        for number, (state, weight) in enumerate(zip(states, weights(states), strict=True)):
            demand = copy.load(state, number, unknowns)
            heads, flows = copy.sensitivities()
            rest = heads - taken_for_demand(copy, regression, state, flows)
            total += weight * (rest - of_demand(copy, state, demand, rest))
        found.append(_on_pipes(copy, total))
    off = np.array(found) - np.mean(found, axis=0)
    return np.asarray(np.einsum("mpg,mph->pgh", off, off) / max(len(draws) - 1, 1))
