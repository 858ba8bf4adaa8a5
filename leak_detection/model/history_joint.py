"""All leaks of a long past at once: each a course in time at one place, whose loading errs as its signature does.

    residual(day) = level(day) + Σ course_k(day) · loading_k + noise,   loading_k ~ (flow_k · signature_k, error of the signature)

Level and noise are those of ``leak_detection.model.drift``. In each of its channels the loadings are integrated out (a Gaussian
mixed model: Laird and Ware 1982, Biometrics 38, 963), and one flow per leak, none below zero, is fitted to all channels. So a
signature that is wrong by as much as the scatter of networks says leaves no ghost, and one that is wrong by more does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.drift import Channels, innovations
from leak_detection.model.ledger_records import Course
from leak_detection.model.places import signature_error
from leak_detection.model.refit import non_negative
from leak_detection.model.signatures import SignatureSet

_LEAST_ENERGY = 0.3
"""A course that others nearly make says nothing."""
_LEAST_VARIANCE = 0.5
_OWN_VARIANCE = 1e-4
"""Of any loading, in units of a day's noise."""
_LEAST_FLOW_M3H = 0.02
_ROUNDS = 3
_MOST_KEPT = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A leak, or one of its growths."""

    course: Course
    place: int
    flow_m3h: float


@dataclass(slots=True, kw_only=True, eq=False)
class Past:
    """The record and its noise."""

    turned: Channels
    signatures: SignatureSet
    values: FloatArray
    """Of the channels, shape (T, G)."""
    white: FloatArray = field(init=False)
    """Innovations of each channel are ``white @ values``, shape (G, T, T)."""
    precision: FloatArray = field(init=False)
    """Of the values of each channel, shape (G, T, T)."""
    spread: FloatArray = field(init=False)
    """Variance of innovations, which should be 1, shape (G,)."""
    _kept: dict[Course, tuple[FloatArray, FloatArray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.white = innovations(self.values, np.eye(self.days), self.turned.walk)[:, :, 1:].copy()
        self.precision = self.white.transpose(0, 2, 1) @ self.white
        self.spread = np.ones(self.values.shape[1])

    @property
    def days(self) -> int:
        """T."""
        return len(self.values)

    def weighed(self, courses: Sequence[Course]) -> tuple[FloatArray, FloatArray]:
        """Their values, shape (T, K), and these times the precision of each channel, shape (G, T, K)."""
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        for course in courses:
            if course not in self._kept:
                value = course.over(self.days)
                self._kept[course] = value, self.precision @ value
        pairs = [self._kept[course] for course in courses]
        return np.stack([value for value, _ in pairs], axis=1), np.stack([weighed for _, weighed in pairs], axis=2)

    def loadings(self, parts: Sequence[Part], flow_m3h: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of the channels: change per m³/h, and variance of the change at these flows, shape (K, G) each."""
        turn, index = self.turned.turn, [part.place for part in parts]
        signature = replace(self.signatures, change_m=self.signatures.change_m[:, index]).at(flow_m3h)
        error = signature_error(self.signatures.spread_m[index], signature, flow_m3h)
        return signature @ turn.T, _OWN_VARIANCE + ((turn @ error) * turn).sum(axis=2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """What K parts explain together."""

    parts: tuple[Part, ...]
    gain: float
    """Twice the logarithm of the likelihood, over that without any part."""
    spread: FloatArray
    left: FloatArray
    """Precision times what is left, shape (T, G)."""
    tied: FloatArray
    """Precision times the courses, shape (G, T, K)."""
    shrink: FloatArray
    """Covariance of the loadings, shape (G, K, K)."""


def joint(past: Past, parts: Sequence[Part]) -> Fit:
    """Fits the flows of all parts, which come with flows to begin from."""
    if not parts:
        return _nothing(past)
    count = len(parts)
    courses, tied = past.weighed([part.course for part in parts])
    tied = tied / past.spread[:, None, None]
    inner = courses.T @ tied
    along = (past.values.T[:, None, :] @ tied)[:, 0]
    flow = np.array([part.flow_m3h for part in parts])
    for _ in range(_ROUNDS):
        unit, variance = past.loadings(parts, flow)
        shrink = np.linalg.inv(inner + (1.0 / variance).T[:, :, None] * np.eye(count))
        both = inner @ shrink
        gram = (unit.T[:, :, None] * unit.T[:, None, :] * (inner - both @ inner)).sum(axis=0)
        gram += 1e-9 * np.trace(gram) / count * np.eye(count)
        aim = (unit.T * (along - (both @ along[:, :, None])[:, :, 0])).sum(axis=0)
        flow = np.maximum(non_negative(gram, aim), _LEAST_FLOW_M3H)
    freed = (shrink @ along[:, :, None])[:, :, 0]
    size = np.linalg.slogdet(np.eye(count) + inner * variance.T[:, None, :])[1].sum()
    rest = past.values - courses @ (flow[:, None] * unit)
    left = (past.precision @ rest.T[:, :, None])[:, :, 0] / past.spread[:, None]
    left -= (tied @ (shrink @ (rest.T[:, None, :] @ tied).transpose(0, 2, 1)))[:, :, 0]
    return Fit(
        parts=tuple(replace(part, flow_m3h=float(q)) for part, q in zip(parts, flow, strict=True)),
        gain=float(2.0 * aim @ flow - flow @ gram @ flow + (along * freed).sum() - size),
        spread=past.spread,
        left=left.T,
        tied=tied,
        shrink=np.asarray(shrink, dtype=np.float64),
    )


def _nothing(past: Past) -> Fit:
    gauges = past.values.shape[1]
    left = (past.precision @ past.values.T[:, :, None])[:, :, 0].T / past.spread
    empty = np.zeros((gauges, past.days, 0))
    return Fit(parts=(), gain=0.0, spread=past.spread, left=left, tied=empty, shrink=np.zeros((gauges, 0, 0)))


def learn_spread(past: Past, fit: Fit) -> None:
    """Takes over how much the filter of each channel does not expect beside the parts of a fit."""
    rest = past.values
    if fit.parts:
        courses, _ = past.weighed([part.course for part in fit.parts])
        flow = np.array([part.flow_m3h for part in fit.parts])
        rest = rest - courses @ (flow[:, None] * past.loadings(fit.parts, flow)[0])
        free = fit.shrink @ (rest.T[:, None, :] @ fit.tied).transpose(0, 2, 1)
        rest = rest - courses @ free[:, :, 0].T
    heard = (past.white @ rest.T[:, :, None])[:, :, 0]
    past.spread = np.maximum((robust.SD_OF_MAD * np.median(np.abs(heard), axis=1)) ** 2, _LEAST_VARIANCE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beside:
    """What n more courses would say beside a fit."""

    along: FloatArray
    """What is left along each, shape (n, G)."""
    energy: FloatArray
    """Of each beside the parts, shape (n, G)."""

    def scores(self, turned: FloatArray) -> FloatArray:
        """Signed root of the likelihood ratio of each along one direction of the channels, shape (n,)."""
        ratio = (self.along @ turned) / np.sqrt(np.maximum(self.energy @ turned**2, 1e-12))
        return np.asarray(np.where(self.energy.max(axis=1) >= _LEAST_ENERGY, ratio, 0.0))

    def loading(self, row: int, turned: Channels) -> tuple[FloatArray, FloatArray]:
        """Change of the gauges by one [m], shape (G,), and the covariance of its error [m²]."""
        energy = np.maximum(self.energy[row], 1e-6)
        return turned.back @ (self.along[row] / energy), (turned.back / energy) @ turned.back.T


def beside(past: Past, fit: Fit, values: FloatArray) -> Beside:
    """Judges more courses, of shape (T, n), beside a fit."""
    energy = ((past.precision @ values) * values).sum(axis=1).T / fit.spread
    for channel in range(len(fit.tied) if fit.parts else 0):
        both = values.T @ fit.tied[channel]
        energy[:, channel] -= ((both @ fit.shrink[channel]) * both).sum(axis=1)
    return Beside(along=values.T @ fit.left, energy=np.maximum(energy, 1e-9))
