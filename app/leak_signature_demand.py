"""What the regression of the gauges on the metered flows takes for demand, and so never shows as a leak or a valve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.leak_network import NetworkCopy
from app.leak_network_state import OperatingState
from domain.series import FloatArray
from leak_detection.model.residuals import FlowRegression


def taken_for_demand(copy: NetworkCopy, regression: FlowRegression, state: OperatingState, flows: FloatArray) -> FloatArray:
    """Change of pressure that the regression expects from a change of metered flows and of tanks' rises.

    Args:
        copy: Of the network.
        regression: Of the gauges on the drivers.
        state: In which the flows change.
        flows: Changes of the meters [m³/h], then of the floating tanks' rises [m/h], shape (rows, meters and tanks).

    Returns:
        In metres, shape (rows, G).
    """
    meters, floating = len(copy.file.meters), copy.file.floating
    known = len(regression.centre) - len(state.drivers)
    here = np.concatenate([state.drivers, state.rise_m_h[list(floating)[:known]]])
    there = np.tile(here, (len(flows), 1))
    there[:, :meters] += flows[:, :meters]
    there[:, len(state.drivers) :] += flows[:, meters : meters + known]
    return np.asarray(regression.explained(there) - regression.explained(here[None]))


def of_demand(copy: NetworkCopy, state: OperatingState, demand_m3h: FloatArray, by_junction: FloatArray) -> FloatArray:
    """What a rise of all demand in the metered part would leave, for the junctions of that part; shape (junctions, G).

    The regression was learnt from demand that rose and fell, so in truth that is nothing. What the copy says otherwise is its own
    error (a main rougher than in the file, a valve half closed), which each leak's signature carries as well: it is taken off.

    Args:
        copy: Loaded with the state.
        state: The state.
        demand_m3h: Of each node.
        by_junction: What a leak of 1 m³/h leaves, shape (junctions, G).
    """
    file = copy.file
    drawn = np.where(file.metered, np.maximum(demand_m3h, 0.0), 0.0)
    for pump in file.cut:
        node = file.suction[pump]
        drawn[node] = max(drawn[node] - max(float(state.drivers[pump]), 0.0), 0.0)
    share = drawn[file.junctions]
    if not file.inlets or share.sum() <= 0:
        return np.zeros_like(by_junction)
    return np.where(file.metered[file.junctions][:, None], share @ by_junction / share.sum(), 0.0)


def weights(states: Sequence[OperatingState]) -> FloatArray:
    """Share of all time of each state, summing to 1."""
    weight = np.array([s.weight for s in states])
    return np.asarray(weight / weight.sum())
