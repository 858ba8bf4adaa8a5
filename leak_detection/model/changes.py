"""What a day's record says of each change that may have come about: a course in time, whatever its loading on the gauges.

Generalised likelihood ratio over innovations (Willsky and Jones 1976, IEEE Transactions on Automatic Control 21, 108): each course
goes through the same filter as the record, courses known already are projected out with free loadings, and what is left are two
numbers per course and channel. All directions on the gauges (leaks at each place, single gauges) are judged by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.drift import Channels, innovations
from leak_detection.model.shapes import orthonormal

_RECENT_DAYS = 120
_LEAST_VARIANCE = 0.5
"""Of innovations, which should be 1: what the record says of its own noise of late counts, yet not boundlessly."""
_LEAST_ENERGY = 0.3
"""A course that known ones nearly span says nothing."""
_LEFT = 0.05
"""A direction of which so little is left beside those set aside is one of them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heard:
    """Of n courses."""

    along: FloatArray
    """The record along each course, shape (n, G)."""
    energy: FloatArray
    """Of each course itself, shape (n, G): a loading is ``along / energy``, with a variance of ``1 / energy``."""
    spoken: FloatArray
    """Whether anything of the course is left beside the known ones, shape (n,) of 0 and 1."""
    channels: Channels

    def scores(self, directions: FloatArray, aside: Sequence[FloatArray] = ()) -> FloatArray:
        """Signed root of the likelihood ratio of each course along each direction, shape (n, directions).

        Args:
            directions: On the gauges, shape (P, G).
            aside: Directions of any size that each course may have besides.
        """
        turned = directions @ self.channels.turn.T
        whole = self.energy @ (turned**2).T
        along, energy = self.along @ turned.T, whole.copy()
        basis: list[FloatArray] = []
        for direction in aside:
            axis = np.broadcast_to(direction @ self.channels.turn.T, self.energy.shape)
            for other in basis:
                share = (self.energy * axis * other).sum(axis=1) / np.maximum((self.energy * other**2).sum(axis=1), 1e-12)
                axis = axis - other * share[:, None]
            basis.append(axis)
            weighed = (self.energy * axis) @ turned.T
            own = np.maximum((self.energy * axis**2).sum(axis=1), 1e-12)[:, None]
            along = along - weighed * (axis * self.along).sum(axis=1)[:, None] / own
            energy = energy - weighed**2 / own
        ratio = np.where(energy > _LEFT * whole, along / np.sqrt(np.maximum(energy, 1e-12)), 0.0)
        return np.asarray(ratio * self.spoken[:, None])

    def loading(self, course: int) -> tuple[FloatArray, FloatArray]:
        """Change of the gauges by one course [m], shape (G,), and the covariance of its error [m²]."""
        energy = np.maximum(self.energy[course], 1e-6)
        back = self.channels.back
        return back @ (self.along[course] / energy), (back / energy) @ back.T


def hear(residual_m: FloatArray, known: Sequence[FloatArray], courses: Sequence[FloatArray], turned: Channels) -> Heard:
    """Judges courses beside those known already.

    Args:
        residual_m: Shape (T, G), finite.
        known: Courses with whatever loading, of T values each.
        courses: Those to judge.
        turned: Channels of the gauges.
    """
    varied = [known[k] for k in np.flatnonzero(np.ptp(np.stack(known), axis=1) > 1e-9).tolist()] if known else []
    basis = orthonormal(varied) if varied else np.empty((len(residual_m), 0))
    values = (residual_m - residual_m.mean(axis=0)) @ turned.turn.T
    heard = innovations(values, np.concatenate([basis, np.stack(courses, axis=1)], axis=1), turned.walk)
    count = basis.shape[1]
    products = heard.transpose(0, 2, 1) @ heard
    asked = np.r_[0, count + 1 : heard.shape[2]]
    inner = products[:, 1 : count + 1, 1 : count + 1] * (1.0 + 1e-9 * np.eye(count)) + 1e-9 * np.eye(count)
    across = products[:, 1 : count + 1][:, :, asked]
    shares = np.linalg.solve(inner, across)
    left = products[:, asked][:, :, asked] - across.transpose(0, 2, 1) @ shares
    recent = heard[:, -_RECENT_DAYS:]
    rest = recent[:, :, 0] - (recent[:, :, 1 : count + 1] @ shares[:, :, :1])[:, :, 0]
    spread = np.maximum((robust.SD_OF_MAD * np.median(np.abs(rest), axis=1)) ** 2, _LEAST_VARIANCE)
    energy = np.maximum(np.diagonal(left, axis1=1, axis2=2)[:, 1:].T, 0.0)
    return Heard(
        along=left[:, 1:, 0].T / spread,
        energy=energy / spread,
        spoken=(energy.max(axis=1) >= _LEAST_ENERGY).astype(np.float64),
        channels=turned,
    )
