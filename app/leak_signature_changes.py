"""What a leak at each junction changes in a copy that agrees with its gauges, and how sure that is.

EPANET begins each solution from the one before and stops within 1e-5 of all flow: what it finds differs in the sixth digit by what
was solved before. So all is solved on one copy in one order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.leak_network import NetworkCopy
from app.leak_network_file import NetworkFile
from app.leak_network_state import OperatingState, Unknowns
from app.leak_signature_demand import of_demand, taken_for_demand, weights
from app.leak_signature_unknowns import unpacked
from app.leaks_progress import Seen
from domain.series import FloatArray
from leak_detection.model.residuals import FlowRegression


def pipe_ends(file: NetworkFile) -> np.ndarray:
    """Both ends of each pipe; a pipe that ends at a source or tank takes the signature of its other end."""
    ends = file.ends[file.pipes]
    fixed = np.isin(ends, file.fixed)
    return np.where(fixed, ends[:, ::-1], ends)


def _on_pipes(file: NetworkFile, by_junction: FloatArray) -> FloatArray:
    """Middle of both ends, shape (pipes, G)."""
    node = np.zeros((file.demand.shape[1], by_junction.shape[1]))
    node[file.junctions] = by_junction
    return np.asarray(node[pipe_ends(file)].mean(axis=1))


def changes(
    copy: NetworkCopy,
    states: Sequence[OperatingState],
    unknowns: Unknowns,
    regression: FlowRegression,
    sizes_m3h: FloatArray,
    seen: Seen,
) -> FloatArray:
    """Change of the residual per m³/h, shape (sizes, P, G).

    Args:
        copy: Of the network.
        states: What was measured.
        unknowns: In force from now on.
        regression: Of the gauges on the drivers.
        sizes_m3h: Of the leaks, the smallest first, shape (sizes,).
        seen: Is told how far it is.
    """
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
        per_size.append(_on_pipes(copy.file, total))
    return np.array(per_size)


def spread(copy: NetworkCopy, states: Sequence[OperatingState], draws: FloatArray, regression: FlowRegression) -> FloatArray:
    """Covariance of the signatures over the draws, shape (P, G, G).

    Args:
        copy: Of the network; believes the last of the draws afterwards.
        states: What was measured.
        draws: Of the unknowns, after the measurements.
        regression: Of the gauges on the drivers.
    """
    found = []
    for drawn in draws:
        unknowns = unpacked(copy.file, drawn, len(states))
        copy.believe(unknowns)
        total = np.zeros((len(copy.file.junctions), len(copy.file.gauges)))
        for number, (state, weight) in enumerate(zip(states, weights(states), strict=True)):
            demand = copy.load(state, number, unknowns)
            heads, flows = copy.sensitivities()
            rest = heads - taken_for_demand(copy, regression, state, flows)
            total += weight * (rest - of_demand(copy, state, demand, rest))
        found.append(_on_pipes(copy.file, total))
    off = np.array(found) - np.mean(found, axis=0)
    return np.asarray(np.einsum("mpg,mph->pgh", off, off) / max(len(draws) - 1, 1))
