"""All open leaks fitted together, one flow each: how much each loses today, beside all the others.

A leak is told with the flow of its first days. Later days say more, and of two leaks near each other what one takes the other
cannot have. So the courses are fitted together, with free loadings, and the loadings of today's open leaks are then explained by
one flow per leak, none below zero:

    min_q≥0  (x - U q)′ S⁻¹ (x - U q),   S = shares ⊗ noise + blockdiag(q² · error of the signature)

``x`` are the loadings of all leaks one after another, ``U`` their signatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection.model.places import signature_error, whitened
from leak_detection.model.shapes import noise_covariance
from leak_detection.model.signatures import SignatureSet

_CORRELATED = 1.5
"""Days err alike: variance of a loading over that of days that do not."""
_FLOOR_M2 = 1e-7
_OTHERS = 0.4
"""Of a flow: what leaks that nobody knows, or that lie elsewhere than was told, take or give; measured on sets with known leaks."""
_ROUNDS = 4
_TOLERANCE = 1e-9
_EXCHANGES = 10
"""Rounds in which all change side together; most end within four."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loadings:
    """What each of K leaks costs each of G gauges today."""

    change_m: FloatArray
    """Shape (K, G)."""
    shares: FloatArray
    """Covariance among the leaks in units of a day's noise, shape (K, K)."""
    noise_m2: FloatArray
    """Covariance of a day, shape (G, G)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointFlows:
    """Of K leaks."""

    flow_m3h: FloatArray
    error_m3h: FloatArray
    """Standard deviations: the signatures' own errors within, wider where flows at these places do not explain all."""


def loadings_today(
    residual_m: FloatArray, courses: Sequence[FloatArray], own: Sequence[Sequence[int]], known: NDArray[np.bool_]
) -> Loadings:
    """Least squares of a level and all courses at every gauge.

    Args:
        residual_m: Shape (T, G), finite.
        courses: Of T values each: what is projected out.
        own: For each leak, which of the courses are its.
        known: Where the residuals were read, shape (T, G); the others are filled.
    """
    x = np.stack([np.ones(len(residual_m)), *courses], axis=1)
    inverse = np.linalg.pinv(x.T @ x)
    loads = inverse @ (x.T @ residual_m)
    mine = np.zeros((len(own), x.shape[1]))
    for leak, columns in enumerate(own):
        for column in columns:
            mine[leak, column + 1] = x[-1, column + 1]
    return Loadings(
        change_m=mine @ loads,
        shares=mine @ inverse @ mine.T,
        noise_m2=_CORRELATED * noise_covariance(residual_m - x @ loads, known),
    )


def joint_flows(today: Loadings, places: Sequence[int], signatures: SignatureSet) -> JointFlows:
    """One flow for each leak.

    Args:
        today: What is to be explained.
        places: Of the leaks, among those of the signatures.
        signatures: Of the same gauges.
    """
    leaks, gauges = today.change_m.shape
    index, row, size = np.asarray(places, dtype=int), np.arange(leaks), leaks * gauges
    noise = np.kron(today.shares + _FLOOR_M2 * np.eye(leaks), today.noise_m2)
    flow = np.full(leaks, float(signatures.sizes_m3h.mean()))
    for _ in range(_ROUNDS):
        at = np.zeros(signatures.places)
        at[index] = flow
        signature = signatures.at(at)[index]
        covariance = np.array(noise, dtype=np.float64)
        blocks = covariance.reshape(leaks, gauges, leaks, gauges)
        blocks[row, :, row, :] += signature_error(signatures.spread_m[index], signature, flow) + _FLOOR_M2 * np.eye(gauges)
        design = np.zeros((leaks, leaks, gauges))
        design[row, row] = signature
        white = whitened(covariance, np.concatenate([design.reshape(leaks, size), today.change_m.reshape(1, size)]))
        gram, along = white[:-1] @ white[:-1].T, white[:-1] @ white[-1]
        flow = non_negative(gram, along)
    free = flow > 0
    error = np.diag(gram) ** -0.5
    error[free] = np.sqrt(np.diag(np.linalg.inv(gram[np.ix_(free, free)])))
    rest = white[-1] - flow @ white[:-1]
    misfit = float(rest @ rest) / max(leaks * (gauges - 1), 1)
    return JointFlows(flow_m3h=flow, error_m3h=np.hypot(error * max(misfit, 1.0) ** 0.5, _OTHERS * flow))


def non_negative(gram: FloatArray, along: FloatArray) -> FloatArray:
    """The ``x`` ≥ 0 that makes ``x′ G x / 2 - a′ x`` least.

    All that stand on the wrong side of 0 change it together (Júdice and Pires 1994, Computers and Operations Research 21, 587);
    where that goes round in a circle, one after another.

    Args:
        gram: G, positive definite, shape (K, K).
        along: a, shape (K,).
    """
    free = np.ones(len(along), dtype=bool)
    for _ in range(_EXCHANGES):
        x = _of_free(gram, along, free)
        wrong = np.where(free, x <= 0, along - gram @ x > _least(along))
        if not wrong.any():
            return x
        free ^= wrong
    return _one_by_one(gram, along)


def _one_by_one(gram: FloatArray, along: FloatArray) -> FloatArray:
    """The same by active sets (Lawson and Hanson, 1974): slower, and sure to end."""
    x, free = np.zeros(len(along)), np.zeros(len(along), dtype=bool)
    for _ in range(3 * len(along) + 1):
        gain = np.where(free, -np.inf, along - gram @ x)
        if free.all() or gain.max() <= _least(along):
            break
        free[int(np.argmax(gain))] = True
        while True:
            best = _of_free(gram, along, free)
            below = free & (best <= 0)
            if not below.any():
                x = best
                break
            x = x + float((x[below] / (x[below] - best[below])).min()) * (best - x)
            free &= x > _TOLERANCE * max(float(x.max()), 1e-30)
            x = np.where(free, x, 0.0)
    return x


def _least(along: FloatArray) -> float:
    """Slope at 0 that is more than rounding."""
    return _TOLERANCE * max(float(np.abs(along).max()), 1e-30)


def _of_free(gram: FloatArray, along: FloatArray, free: NDArray[np.bool_]) -> FloatArray:
    """The least with the others at 0."""
    x = np.zeros(len(along))
    x[free] = np.linalg.solve(gram[np.ix_(free, free)], along[free])
    return x
