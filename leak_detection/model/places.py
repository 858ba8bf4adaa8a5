"""Where a leak is, from the change it made on all gauges: likelihood of every place, with the model's own error in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from leak_detection.model.signatures import SignatureSet

NEAR_M, FAR_M = 150.0, 300.0
"""Where pipes are not longer than that; see ``reach``."""
_NEXT, _MOST_REACH = 4, 5.0
"""A region holds so many places beside its own, and is never wider than so many times ``FAR_M``."""
_LEAST_FLOW_M3H = 0.05
_OWN_ERROR = 0.03
"""Of a signature at one gauge, beside what the scatter of networks says."""
_SPREAD = 1.3
"""A little more than the scatter, which knows only the errors that were drawn."""
_WANDER_M = 0.03
"""Of each pressure valve's setting, beside what the gauges' noise holds of it already: valves drift by centimetres within days."""
_LARGE = 1e200
"""More than any squared change or signature in units of its error."""
_NOTHING = 1e-30
"""A probability that changes no sum."""
_TRUST = 0.5
"""Power of the likelihood: gauges that err together say less than so many. Of places called sure to 150 m one in seven was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The best place and how sure it is."""

    index: int
    flow_m3h: float
    flow_error_m3h: float
    near: float
    """Probability that the leak is within ``near_m``."""
    far: float
    """Probability that it is within ``far_m``."""
    ranked: tuple[tuple[int, float], ...]
    """Most probable places and their probabilities."""
    fit: float
    """Share of the change that the best place explains, 0..1."""
    near_m: float = NEAR_M
    far_m: float = FAR_M


def locate(change_m: FloatArray, covariance: FloatArray, signatures: SignatureSet, *, freedom: float | None = None) -> Place:
    """Posterior over places for one change of the gauges.

    Args:
        change_m: Change per gauge, shape (G,).
        covariance: Of its error, shape (G, G).
        signatures: Of the same gauges.
        freedom: Degrees of freedom of Student's law in place of the normal one, where more may be in the change than its
            error says: what fits nowhere then makes all places less sure (Lange, Little and Taylor 1989, JASA 84, 881).
    """
    covariance = _with_wander(covariance, signatures)
    inverse = np.linalg.inv(covariance)
    flow = np.full(signatures.places, 0.5 * float(signatures.sizes_m3h.mean()))
    for _ in range(3):
        signature = signatures.at(flow)
        weighed = signature @ inverse
        flow, energy, down = _flows((weighed * signature).sum(axis=1), weighed @ change_m)
    # A change that goes against a leak's is none of it: at most places that is so, and they are left here.
    here = np.flatnonzero(down)
    spread_m, likelihood = signatures.spread_m[here], np.full(signatures.places, -np.inf)
    for _ in range(2):
        signature = signatures.at(flow)
        error = signature_error(spread_m, signature[here], flow[here])
        own, along, whole, size = _weighed(error, covariance, signature[here], change_m)
        flow[here], energy[here], down[here] = _flows(own, along)
    misfit = whole - 2.0 * flow[here] * along + flow[here] ** 2 * energy[here]
    likelihood[here] = _TRUST * (_log_density(misfit, len(change_m), freedom) - 0.5 * size)
    likelihood[~down] = -np.inf
    return _best(_probability(likelihood), flow, energy, signature, change_m, np.asarray(inverse), signatures.distance_m)


def share_without_one(place: Place, change_m: FloatArray, covariance: FloatArray, signatures: SignatureSet) -> float:
    """Flow of the leak there as all gauges but one see it, over its flow: the least, whichever gauge is left out.

    Of a leak the others see much of the flow; of a gauge's own fault, nothing.

    Args:
        place: As ``locate`` found it.
        change_m: Change per gauge, shape (G,).
        covariance: Of its error, shape (G, G).
        signatures: Of the same gauges.
    """
    signature = signatures.at(place.flow_m3h)[place.index]
    error = signature_error(signatures.spread_m[[place.index]], signature[None], np.array([place.flow_m3h]))[0]
    precision = np.linalg.inv(_with_wander(covariance, signatures) + error)
    # Of all but gauge j: A⁻¹ - a a′ / a_j, where a is column j of the whole inverse.
    along, seen, own = precision @ signature, precision @ change_m, np.diag(precision)
    flow = (signature @ seen - along * seen / own) / np.maximum(signature @ along - along**2 / own, 1e-12)
    return float(flow.min()) / place.flow_m3h


def signature_error(spread_m: FloatArray, signature: FloatArray, flow_m3h: FloatArray) -> FloatArray:
    """Covariance of what leaks do, for what their signatures get wrong, shape (P, G, G).

    Args:
        spread_m: Of the signatures per (m³/h)², shape (P, G, G).
        signature: Shape (P, G).
        flow_m3h: Shape (P,).
    """
    error = (_SPREAD * flow_m3h)[:, None, None] ** 2 * spread_m
    gauge = np.arange(signature.shape[1])
    error[:, gauge, gauge] += (flow_m3h[:, None] * _OWN_ERROR * signature) ** 2
    return np.asarray(error)


def _weighed(
    error: FloatArray, covariance: FloatArray, signature: FloatArray, change_m: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Products of signature and change over the whole error E of each place, and the logarithm of its determinant.

    One factorisation gives them all.

    Args:
        error: Of the signature, shape (P, G, G).
        covariance: Of the change, shape (G, G); E is the sum of both.
        signature: s, shape (P, G).
        change_m: x, shape (G,).

    Returns:
        s′ E⁻¹ s, s′ E⁻¹ x, x′ E⁻¹ x and log det E, shape (P,) each.
    """
    places, gauges = signature.shape
    bordered = np.zeros((places, gauges + 2, gauges + 2))
    np.add(error, covariance, out=bordered[:, :gauges, :gauges])
    bordered[:, gauges, :gauges] = signature
    bordered[:, gauges + 1, :gauges] = change_m
    factor = _border_factored(bordered, gauges)
    s, x = factor[:, gauges, :gauges], factor[:, gauges + 1, :gauges]
    size = 2.0 * np.log(np.diagonal(factor, axis1=1, axis2=2)[:, :gauges]).sum(axis=1)
    return (s * s).sum(axis=1), (s * x).sum(axis=1), (x * x).sum(axis=1), np.asarray(size)


def whitened(covariance: FloatArray, rows: FloatArray) -> FloatArray:
    """Rows whose products are those over the inverse of a covariance, of the same shape (n, N).

    Args:
        covariance: Shape (N, N), positive definite.
        rows: Shape (n, N).
    """
    count = len(rows) + len(covariance)
    bordered = np.zeros((count, count))
    bordered[: len(covariance), : len(covariance)] = covariance
    bordered[len(covariance) :, : len(covariance)] = rows
    return np.asarray(_border_factored(bordered, len(covariance))[len(covariance) :, : len(covariance)])


def _border_factored(bordered: FloatArray, inner: int) -> FloatArray:
    """Factor of [[E, B], [B′, large]], shape (..., N, N); its last rows are B′ over the factor of E.

    Args:
        bordered: Its lower half is all that is read; takes the large numbers.
        inner: Rows of E.
    """
    border = np.arange(inner, bordered.shape[-1])
    bordered[..., border, border] = _LARGE
    return np.asarray(np.linalg.cholesky(bordered), dtype=np.float64)


def _log_density(misfit: FloatArray, gauges: int, freedom: float | None) -> FloatArray:
    """Of a squared misfit in units of its error, by the normal law or Student's, up to a constant."""
    if freedom is None:
        return -0.5 * misfit
    return np.asarray(-0.5 * (freedom + gauges) * np.log1p(np.maximum(misfit, 0.0) / freedom))


def _with_wander(covariance: FloatArray, signatures: SignatureSet) -> FloatArray:
    """Covariance of a change to which a wandering valve may have added."""
    if signatures.wander_m is None:
        return covariance
    return np.asarray(covariance + _WANDER_M**2 * signatures.wander_m.T @ signatures.wander_m)


def _flows(energy: FloatArray, along: FloatArray) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """Flow of a leak at each place by weighted least squares, its information, and whether it is one at all.

    Args:
        energy: Information on the flow, shape (P,).
        along: The change along the signature, shape (P,).
    """
    energy = np.maximum(energy, 1e-12)
    return np.maximum(along / energy, _LEAST_FLOW_M3H), energy, along > 0


def _probability(likelihood: FloatArray) -> FloatArray:
    if not np.isfinite(likelihood).any():
        return np.full(len(likelihood), 1.0 / len(likelihood))
    weight = np.exp(np.clip(likelihood - likelihood.max(), -700.0, 0.0))
    return np.asarray(weight / weight.sum())


def _best(
    probability: FloatArray,
    flow: FloatArray,
    energy: FloatArray,
    signature: FloatArray,
    change_m: FloatArray,
    inverse: FloatArray,
    distance_m: FloatArray,
) -> Place:
    """The place that most probability lies around: a crew walks a street, not a pipe."""
    likely = np.flatnonzero(probability > _NOTHING)
    away_m, share = distance_m[:, likely], probability[likely]
    near, far = (away_m <= NEAR_M) @ share, (away_m <= FAR_M) @ share
    index = int(np.argmax(near + 0.3 * far + 1e-6 * probability))
    away_m, wide = distance_m[index], reach(distance_m[index])
    rest = change_m - flow[index] * signature[index]
    whole = float(change_m @ inverse @ change_m)
    order = np.argsort(-probability)[:10]
    return Place(
        index=index,
        flow_m3h=float(flow[index]),
        flow_error_m3h=float(energy[index] ** -0.5),
        near=float(probability[away_m <= NEAR_M * wide].sum()),
        far=float(probability[away_m <= FAR_M * wide].sum()),
        ranked=tuple((int(p), float(probability[p])) for p in order),
        fit=1.0 - float(rest @ inverse @ rest) / whole if whole > 0 else 0.0,
        near_m=NEAR_M * wide,
        far_m=FAR_M * wide,
    )


def reach(away_m: FloatArray) -> float:
    """By what the limits in metres are stretched about a place with long pipes: its region holds the next pipes at least.

    Args:
        away_m: Distance of all places from it, shape (P,).
    """
    if len(away_m) <= _NEXT:
        return 1.0
    next_m = float(np.partition(away_m, _NEXT)[_NEXT])
    return min(max(next_m / FAR_M, 1.0), _MOST_REACH) if np.isfinite(next_m) else 1.0


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
