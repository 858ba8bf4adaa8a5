"""What the screening of gauges remembers: a pressure regression that learns week by week, and the means of the last days.

Levels are made anew from the means whenever the weights change, so two days are always compared by the same weights. Nothing
here grows after ``keep_days``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection.model.residuals import features

BoolArray = NDArray[np.bool_]

_FORGET_A_WEEK = 0.985
"""Share of the old that a new week leaves: half after 46 weeks, so that a town may change."""
_RIDGE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DaySums:
    """Means and products of one day, per gauge over its own valid samples."""

    count: FloatArray
    """Shape (G,)."""
    x: FloatArray
    """Mean features, shape (G, K)."""
    y: FloatArray
    """Mean pressure [m], shape (G,); NaN without samples."""
    xx: FloatArray
    """Sums of products, shape (G, K, K)."""
    xy: FloatArray
    """Shape (G, K)."""


def day_sums(x: FloatArray, pressure_m: FloatArray, valid: BoolArray) -> DaySums:
    """Sums of a day.

    Args:
        x: Features, shape (S, K); finite.
        pressure_m: Shape (S, G).
        valid: Samples that count, shape (S, G).
    """
    weight = valid.astype(np.float64)
    count = weight.sum(axis=0)
    share = np.maximum(count, 1.0)
    y = np.where(valid, pressure_m, 0.0)
    samples, gauges = weight.shape
    k = x.shape[1]
    pairs = (x[:, :, None] * x[:, None, :]).reshape(samples, k * k)
    return DaySums(
        count=count,
        x=(weight.T @ x) / share[:, None],
        y=np.where(count > 0, y.sum(axis=0) / share, np.nan),
        xx=(weight.T @ pairs).reshape(gauges, k, k),
        xy=y.T @ x,
    )


@dataclass(slots=True, kw_only=True, eq=False)
class GaugeMemory:
    """Regression and recent levels of every gauge."""

    keep_days: int
    weights: FloatArray | None = None
    """Shape (K, G); none before the first week has been learnt."""
    centre: FloatArray | None = None
    scale: FloatArray | None = None
    days: deque[tuple[FloatArray, FloatArray]] = field(default_factory=deque)
    """Mean features (G, K) and mean pressure (G,) of the last days."""
    _week: list[DaySums] = field(default_factory=list)
    _xx: FloatArray | None = None
    _xy: FloatArray | None = None

    def features_of(self, drivers: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Features of a day and which samples have all drivers; the scale is that of the first day with drivers."""
        known = np.asarray(np.isfinite(drivers).all(axis=1))
        if self.centre is None or self.scale is None:
            if known.sum() < len(drivers) // 2:
                return np.zeros((len(drivers), _width(drivers.shape[1]))), np.zeros(len(drivers), dtype=bool)
            self.centre = drivers[known].mean(axis=0)
            self.scale = np.maximum(drivers[known].std(axis=0), 1e-3 * np.abs(self.centre) + 1e-6)
        z = np.where(known[:, None], (drivers - self.centre) / self.scale, 0.0)
        return features(z), known

    def learn(self, sums: DaySums, usable: BoolArray) -> None:
        """Takes a day of the gauges that may be used; every seventh changes the weights by what varied within the week."""
        keep = usable.astype(np.float64)
        self._week.append(
            DaySums(count=sums.count * keep, x=sums.x, y=sums.y, xx=sums.xx * keep[:, None, None], xy=sums.xy * keep[:, None])
        )
        if len(self._week) < 7:
            return
        count = np.sum([d.count for d in self._week], axis=0)
        share = np.maximum(count, 1.0)
        sx = np.sum([d.x * d.count[:, None] for d in self._week], axis=0)
        sy = np.sum([np.where(d.count > 0, np.nan_to_num(d.y) * d.count, 0.0) for d in self._week], axis=0)
        xx = np.sum([d.xx for d in self._week], axis=0) - sx[:, :, None] * sx[:, None, :] / share[:, None, None]
        xy = np.sum([d.xy for d in self._week], axis=0) - sx * (sy / share)[:, None]
        self._xx = xx if self._xx is None else _FORGET_A_WEEK * self._xx + xx
        self._xy = xy if self._xy is None else _FORGET_A_WEEK * self._xy + xy
        self._week.clear()
        trace = np.maximum(np.einsum("gkk->g", self._xx) / self._xx.shape[1], 1.0)
        ridge = _RIDGE * trace[:, None, None] * np.eye(self._xx.shape[1])
        self.weights = np.linalg.solve(self._xx + ridge, self._xy[:, :, None])[:, :, 0].T

    def remember(self, sums: DaySums, usable: BoolArray) -> None:
        """Keeps the means of the gauges that may be used."""
        self.days.append((sums.x, np.where(usable, sums.y, np.nan)))
        while len(self.days) > self.keep_days:
            self.days.popleft()

    def level(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Level that the drivers do not explain [m]; shapes (..., G, K) and (..., G) give (..., G).

        Raises:
            ValueError: Before the first week has been learnt.
        """
        if self.weights is None:
            raise ValueError("no week has been learnt yet: there are no weights")
        return np.asarray(y - np.einsum("...gk,kg->...g", x, self.weights))

    def levels(self) -> FloatArray:
        """Levels of the remembered days, oldest first, shape (T, G)."""
        return self.level(np.stack([x for x, _ in self.days]), np.stack([y for _, y in self.days]))

    def forget(self, gauge: int, days: int) -> None:
        """Takes a gauge out of the last days: a fault was found that began before it was told."""
        for _, y in list(self.days)[max(len(self.days) - days, 0) :]:
            y[gauge] = np.nan

    def shift(self, gauge: int, metres: float, days: int) -> None:
        """Adds to a gauge's means of the last days."""
        for _, y in list(self.days)[max(len(self.days) - days, 0) :]:
            y[gauge] += metres


def _width(drivers: int) -> int:
    return drivers + drivers * (drivers + 1) // 2
