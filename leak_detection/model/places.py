"""Where a leak is, from the change it made on all gauges: likelihood of every place, with the model's own error in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray

NEAR_M, FAR_M = 150.0, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The best place and how sure it is."""

    index: int
    flow_m3h: float
    flow_error_m3h: float
    near: float
    """Probability that the leak is within 150 m."""
    far: float
    """Probability that it is within 300 m."""
    ranked: tuple[tuple[int, float], ...]
    """Most probable places and their probabilities."""
    fit: float
    """Share of the change that the best place explains, 0..1."""


def locate(
    change_m: FloatArray, covariance: FloatArray, signatures: FloatArray, distance_m: FloatArray, *, error: float = 0.15
) -> Place:
    """Posterior over places for one change of the gauges.

    Args:
        change_m: Change per gauge, shape (G,).
        covariance: Of its error, shape (G, G).
        signatures: Change per m³/h at each place, shape (P, G).
        distance_m: Between places, shape (P, P).
        error: Relative error of a signature, part of it common to the gauge group (all signatures scaled alike costs nothing).
    """
    inverse = np.linalg.inv(covariance)
    energy = np.maximum(np.einsum("pg,gh,ph->p", signatures, inverse, signatures), 1e-12)
    flow = np.maximum((signatures @ inverse @ change_m) / energy, 0.0)
    # The model's error grows with the flow; one diagonal for all places keeps this a single inversion.
    best = int(np.argmax(flow * flow * energy))
    spread = error * np.abs(flow[best] * signatures[best])
    full = covariance + np.diag(spread**2 + (0.25 * spread.mean()) ** 2)
    inverse = np.linalg.inv(full)
    energy = np.maximum(np.einsum("pg,gh,ph->p", signatures, inverse, signatures), 1e-12)
    flow = np.maximum((signatures @ inverse @ change_m) / energy, 0.0)
    rest = change_m[None, :] - flow[:, None] * signatures
    misfit = np.einsum("pg,gh,ph->p", rest, inverse, rest)
    weight = np.where(flow > 0, np.exp(-0.5 * np.clip(misfit - misfit.min(), 0, 400)), 0.0)
    probability = weight / weight.sum() if weight.sum() > 0 else np.full(len(weight), 1.0 / len(weight))
    near, far = (distance_m <= NEAR_M) @ probability, (distance_m <= FAR_M) @ probability
    index = int(np.argmax(near + 0.3 * far + 1e-6 * probability))
    order = np.argsort(-probability)[:10]
    whole = float(change_m @ inverse @ change_m)
    return Place(
        index=index,
        flow_m3h=float(flow[index]),
        flow_error_m3h=float(energy[index] ** -0.5),
        near=float(near[index]),
        far=float(far[index]),
        ranked=tuple((int(p), float(probability[p])) for p in order),
        fit=1.0 - float(misfit[index]) / whole if whole > 0 else 0.0,
    )


def distances(node_pairs: np.ndarray, lengths_m: FloatArray) -> FloatArray:
    """Distances between the middles of pipes over the network [m], shape (P, P) (Floyd and Warshall).

    Args:
        node_pairs: The two ends of each pipe as node numbers, shape (P, 2).
        lengths_m: Shape (P,).
    """
    size = int(node_pairs.max()) + 1
    d = np.full((size, size), np.inf)
    np.fill_diagonal(d, 0.0)
    np.minimum.at(d, (node_pairs[:, 0], node_pairs[:, 1]), lengths_m)
    d = np.minimum(d, d.T)
    for k in range(size):
        np.minimum(d, d[:, k, None] + d[None, k, :], out=d)
    a, b = node_pairs[:, 0], node_pairs[:, 1]
    between = np.minimum.reduce([d[np.ix_(x, y)] for x in (a, b) for y in (a, b)])
    out = between + 0.5 * (lengths_m[:, None] + lengths_m[None, :])
    np.fill_diagonal(out, 0.0)
    return np.asarray(out)
