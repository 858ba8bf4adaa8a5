"""What the gauges show of a pressure valve whose setting moves: it wanders by itself, and an operator turns it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.leak_network import NetworkCopy
from app.leak_network_state import OperatingState, Unknowns
from app.leak_signature_demand import taken_for_demand, weights
from domain.series import FloatArray
from leak_detection.model.residuals import FlowRegression
from simulator.toolkit import HydraulicsError

_STEP_M = 0.3
"""To either side of the setting in force: less is hard to tell from how tightly EPANET solves."""
_TURN_M = 1.0
"""By so much an operator turns a valve."""
_SEEN_M = 0.05
"""Of that, on all gauges together: with less the valve does not regulate."""


def of_settings(copy: NetworkCopy, states: Sequence[OperatingState], unknowns: Unknowns, regression: FlowRegression) -> FloatArray:
    """Change of the residual per metre of each pressure valve's setting, on the mean over the states.

    Valves that feed one part together share its inflow anew when one of them moves: what the regression takes for demand is off.

    Args:
        copy: Of the network; believes ``unknowns`` afterwards.
        states: What was measured.
        unknowns: In force.
        regression: Of the gauges on the drivers.

    Returns:
        Shape (valves, G). Zeros where a valve does not regulate, or the network has no solution with its setting moved.
    """
    count, share = len(unknowns.valve_m), weights(states)
    found = np.zeros((count, len(copy.file.gauges)))
    for valve, step in enumerate(_STEP_M * np.eye(count)):
        try:
            low, high = (_solved(copy, states, replace(unknowns, valve_m=unknowns.valve_m + way * step)) for way in (-1.0, 1.0))
        except HydraulicsError:
            # Nothing is known of such a valve then: its direction stays empty.
            continue
        for k, state in enumerate(states):
            heads, flows = high[k][0] - low[k][0], high[k][1] - low[k][1]
            rest = heads - taken_for_demand(copy, regression, state, flows[None])[0]
            found[valve] += share[k] * rest / (2.0 * _STEP_M)
    copy.believe(unknowns)
    return found


def bends_of(copy: NetworkCopy, states: Sequence[OperatingState], unknowns: Unknowns, regression: FlowRegression) -> FloatArray:
    """How far what a setting does to the residual is from being in proportion to its change.

    Valves that feed one part together shift its inflow from meter to meter when one is turned, out of the range in which the
    regression has learnt: what it then takes for demand is no straight line, and may turn the change round.

    Args:
        copy: Of the network; believes ``unknowns`` afterwards.
        states: What was measured.
        unknowns: In force.
        regression: Of the gauges on the drivers.

    Returns:
        What a metre up and one down do together, over what they do apart, shape (valves,): 0 for a straight line, 1 where nothing
        is known.
    """
    share, count = weights(states), len(unknowns.valve_m)
    bends = np.ones(count)
    for valve, turn in enumerate(_TURN_M * np.eye(count)):
        try:
            ways = [replace(unknowns, valve_m=unknowns.valve_m + way * turn) for way in (0.0, 1.0, -1.0)]
            now, *turned = [_solved(copy, states, one) for one in ways]
        except HydraulicsError:
            continue
        up, down = (_left_over(copy, states, share, regression, now, then) for then in turned)
        together = float(np.linalg.norm(up - down))
        bends[valve] = min(float(np.linalg.norm(up + down)) / together, 1.0) if together > 2.0 * _SEEN_M else 1.0
    copy.believe(unknowns)
    return bends


def _left_over(
    copy: NetworkCopy,
    states: Sequence[OperatingState],
    share: FloatArray,
    regression: FlowRegression,
    now: Sequence[tuple[FloatArray, FloatArray]],
    then: Sequence[tuple[FloatArray, FloatArray]],
) -> FloatArray:
    """Change of the residual on the mean over the states [m], shape (G,)."""
    left = np.zeros(len(copy.file.gauges))
    for part, state, before, after in zip(share, states, now, then, strict=True):
        taken = taken_for_demand(copy, regression, state, (after[1] - before[1])[None])[0]
        left += part * (after[0] - before[0] - taken)
    return left


def _solved(copy: NetworkCopy, states: Sequence[OperatingState], unknowns: Unknowns) -> list[tuple[FloatArray, FloatArray]]:
    """Heads and flows of each state."""
    copy.believe(unknowns)
    read = []
    for number, state in enumerate(states):
        copy.load(state, number, unknowns)
        read.append(copy.read())
    return read
