"""What is not known of a network file, drawn at random: how wrong files are."""

from __future__ import annotations

import numpy as np

from app.leak_network_file import NetworkFile
from app.leak_network_state import Unknowns
from domain.series import FloatArray

_ALIKE, _PIPE, _DEMAND, _PATTERN, _HOUR, _VALVE_M = 0.08, 0.10, 0.20, 0.15, 0.08, 0.30
"""How wrong files are, one standard deviation: roughness of all pipes laid alike and of each, demand of a node, a pattern as a
whole and in an hour, setting of a valve."""


def draw(file: NetworkFile, states: int, rng: np.random.Generator) -> FloatArray:
    """One network that the file may be of, all its unknowns in a row."""
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


def unpacked(file: NetworkFile, drawn: FloatArray, states: int) -> Unknowns:
    """The row as what it is of."""
    at = np.cumsum([len(file.pipes), file.demand.shape[1], states * len(file.factors)])
    roughness, demand, pattern, valve = np.split(drawn, at)
    return Unknowns(roughness=roughness, demand=demand, pattern=pattern.reshape(states, -1), valve_m=valve)


def middle_of(file: NetworkFile, draws: FloatArray, states: int) -> Unknowns:
    """The mean of draws, shape (M, K)."""
    return unpacked(file, draws.mean(axis=0), states)


def as_filed(file: NetworkFile, states: int) -> Unknowns:
    """The file is right in everything."""
    size = len(file.pipes) + file.demand.shape[1] + states * len(file.factors) + len(file.valves)
    return unpacked(file, np.zeros(size), states)
