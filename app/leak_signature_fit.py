"""A network file is made to agree with its gauges: draws of what is not known of it, smoothed by what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.leak_network import NetworkCopy
from app.leak_network_state import OperatingState
from app.leak_signature_doubts import POOR_MISFIT
from app.leak_signature_unknowns import draw, unpacked
from app.leaks_progress import Seen
from domain.series import FloatArray
from leak_detection.model.calibration import smooth
from simulator.toolkit import HydraulicsError

_DRAWS = 250
_PRESSURE_ERROR_M, _SHARE_ERROR, _FLOW_ERROR = 0.02, 0.01, 0.02
"""Of a state's mean pressure against the mean of all states, of an inlet's share of the inflow, of a flow as a share of that."""
_LEAST_SOLVED, _CONFLICT_SD = 0.5, 100.0
_STEPS = 6
"""In which a file is moved, at most, that one step does not bring near the gauges."""


def calibrate(
    copy: NetworkCopy, states: Sequence[OperatingState], rng: np.random.Generator, seen: Seen
) -> tuple[FloatArray, tuple[float, float], float]:
    """Draws of the unknowns that agree with the measured states, the misfit before and after, and the share of readings used.

    Args:
        copy: Of the network, fed with the states.
        states: What was measured.
        rng: Of the draws.
        seen: Is told how far it is.

    Raises:
        HydraulicsError: Hardly any draw has a solution, or none lies near what was measured.
    """
    first = np.array([draw(copy.file, len(states), rng) for _ in range(_DRAWS)])
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

    def misfit(drawn: FloatArray) -> float:
        try:
            return _rms((_predict(copy, states, drawn) - measured)[kept])
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
    for done, drawn in enumerate(draws):
        seen("the network file is made to agree with the gauges", done, len(draws))
        try:
            predicted.append(_predict(copy, states, drawn))
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


def _predict(copy: NetworkCopy, states: Sequence[OperatingState], drawn: FloatArray) -> FloatArray:
    unknowns = unpacked(copy.file, drawn, len(states))
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
