"""What a leak at each place does to every gauge: by its size, for a big leak bends the pressures otherwise than a small one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray

_BEYOND = 1.6
"""A leak of more than so many times the largest size is read as one of that."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignatureSet:
    """Signatures of P places on G gauges."""

    sizes_m3h: FloatArray
    """Leak flows at which the network was solved, rising, shape (S,), two or more."""
    change_m: FloatArray
    """Change of the residual per m³/h, shape (S, P, G)."""
    spread_m: FloatArray
    """Covariance of a signature's error, per (m³/h)², shape (P, G, G): what is not known of pipes, demands and valves."""
    distance_m: FloatArray
    """Between places along the pipes, shape (P, P)."""
    metered: NDArray[np.bool_]
    """Places whose leaks a balance of meters sees with their own flow, shape (P,)."""
    wander_m: FloatArray | None = None
    """Change of the gauges per metre by which the setting of each pressure valve wanders, shape (V, G)."""

    @property
    def places(self) -> int:
        """How many."""
        return int(self.change_m.shape[1])

    def at(self, flow_m3h: FloatArray | float) -> FloatArray:
        """Change per m³/h for leaks of a flow, one for all places or each its own, shape (P, G)."""
        return between_sizes(self.sizes_m3h, self.change_m, flow_m3h)


def between_sizes(sizes_m3h: FloatArray, change_m: FloatArray, flow_m3h: FloatArray | float) -> FloatArray:
    """Change per m³/h for leaks of a flow, shape (P, G).

    Args:
        sizes_m3h: Leak flows at which the network was solved, rising, shape (S,), two or more.
        change_m: Per m³/h at these flows, shape (S, P, G).
        flow_m3h: One for all places or each its own.
    """
    sizes, places = sizes_m3h, change_m.shape[1]
    flow = np.broadcast_to(np.clip(np.asarray(flow_m3h, dtype=np.float64), sizes[0], sizes[-1] * _BEYOND), (places,))
    below = np.clip(np.searchsorted(sizes, flow, side="right") - 1, 0, len(sizes) - 2)
    share = ((flow - sizes[below]) / (sizes[below + 1] - sizes[below]))[:, None]
    row = np.arange(places)
    return np.asarray(change_m[below, row] * (1.0 - share) + change_m[below + 1, row] * share)


def largest_m3h(signatures: SignatureSet) -> float:
    """The largest leak that they speak of."""
    return float(signatures.sizes_m3h[-1]) * _BEYOND


def with_balance(signatures: SignatureSet, inside: NDArray[np.bool_]) -> SignatureSet:
    """The same with one more gauge: the balance of a metered part, which rises by a leak's own flow.

    Args:
        signatures: Of the pressure gauges.
        inside: Which places lie in that part, shape (P,) of bool.
    """
    size, places, gauges = signatures.change_m.shape
    column = np.broadcast_to(inside.astype(np.float64)[None, :, None], (size, places, 1))
    spread = np.zeros((places, gauges + 1, gauges + 1))
    spread[:, :gauges, :gauges] = signatures.spread_m
    wander = signatures.wander_m
    return SignatureSet(
        sizes_m3h=signatures.sizes_m3h,
        change_m=np.concatenate([signatures.change_m, column], axis=2),
        spread_m=spread,
        distance_m=signatures.distance_m,
        metered=signatures.metered | inside,
        wander_m=None if wander is None else np.pad(wander, ((0, 0), (0, 1))),
    )


def of_gauges(signatures: SignatureSet, seen: NDArray[np.bool_]) -> SignatureSet:
    """The same for some of the gauges.

    Args:
        signatures: Of all.
        seen: Which to keep, shape (G,).
    """
    if seen.all():
        return signatures
    kept = np.flatnonzero(seen)
    return SignatureSet(
        sizes_m3h=signatures.sizes_m3h,
        change_m=signatures.change_m[:, :, kept],
        spread_m=signatures.spread_m[:, kept[:, None], kept],
        distance_m=signatures.distance_m,
        metered=signatures.metered,
        wander_m=None if signatures.wander_m is None else signatures.wander_m[:, kept],
    )
