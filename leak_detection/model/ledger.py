"""Open leaks over the days: a greedy fit of shapes in time with free loadings in space.

    residual(day, gauge) = level + Σ shape_k(day) · loading_k(gauge) + noise

Every shape found so far is projected out with whatever loading it has (a wrong signature leaves no ghost of the same time course);
the next is the shape and place with the largest ``(f′ Z W′ u)² / f′f``. A change that no signature fits, such as that of one gauge
alone, is not told: a leak shows on many.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from domain.series import FloatArray
from leak_detection.model.places import Place, locate


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """When a change is a leak."""

    step_glr: float = 25.0
    slow_glr: float = 60.0
    step_days: int = 5
    slow_days: tuple[int, ...] = (15, 30, 60, 100)
    least_fit: float = 0.3
    least_far: float = 0.3
    warm_days: int = 21
    most_shapes: int = 60
    most_a_day: int = 3
    merge_m: float = 200.0
    quiet_days: int = 3
    """After an end, nothing near is new for so long: what a repair leaves looks like a leak."""
    error: float = 0.15
    """Of a signature."""


@dataclass(slots=True, kw_only=True)
class OpenLeak:
    """One line of the ledger."""

    start_day: int
    ramp_days: int
    found_day: int
    place: Place
    loading_m: FloatArray
    end_day: int | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Ledger:
    """Sees one day after another; never the next."""

    signatures: FloatArray
    """Residual change per m³/h, shape (P, G)."""
    distance_m: FloatArray
    settings: LedgerSettings = field(default_factory=LedgerSettings)
    leaks: list[OpenLeak] = field(default_factory=list)
    """Everything told, in order."""
    shapes: list[tuple[int, int]] = field(default_factory=list)
    """Start and ramp of everything projected out, ends and unplaced changes included."""

    def look(self, residual_m: FloatArray) -> list[OpenLeak]:
        """Judges the newest day.

        Args:
            residual_m: All days so far, shape (T, G), NaN where missing.

        Returns:
            Leaks that are new today.
        """
        days = len(residual_m)
        if days < self.settings.warm_days:
            return []
        z = fill(residual_m)
        new: list[OpenLeak] = []
        for _ in range(self.settings.most_a_day):
            found, again = self._next(z, days)
            if found is not None and not self._is_known(found):
                new.append(found)
                self.leaks.append(found)
            if not again:
                break
        return new

    def _is_known(self, leak: OpenLeak) -> bool:
        """Whether it is the growth of an open leak, or what the repair of one left."""
        near = [old for old in self.leaks if self.distance_m[old.place.index, leak.place.index] <= self.settings.merge_m]
        return any(old.end_day is None or leak.found_day - old.end_day < self.settings.quiet_days for old in near)

    def _next(self, z: FloatArray, days: int) -> tuple[OpenLeak | None, bool]:
        """The next shape: a leak if it is one, and whether there may be more."""
        q = self._basis(days)
        rest = z - q @ (q.T @ z)
        covariance = noise_covariance(rest)
        white = np.linalg.inv(np.linalg.cholesky(covariance))
        unit = self.signatures @ white.T
        unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
        starts = candidates(days, self.settings)
        f = np.stack([shape(days, s, r) for s, r in starts], axis=1)
        f = f - q @ (q.T @ f)
        energy = np.einsum("ts,ts->s", f, f)
        loads = (f.T @ rest) / np.maximum(energy, 1e-9)[:, None]
        score = (loads @ white.T) @ unit.T * np.sqrt(energy)[:, None]
        score[energy < 0.3] = 0.0
        limit = np.array([self.settings.step_glr if r == 0 else self.settings.slow_glr for _, r in starts])
        ratio = score**2 / limit[:, None]
        k, p = (int(v) for v in np.unravel_index(int(np.argmax(ratio)), ratio.shape))
        if ratio[k, p] < 1.0:
            return None, False
        start, ramp = starts[k]
        if score[k, p] < 0:
            self.shapes.append((start, ramp))
            self._close(loads[k], white, start)
            return None, True
        place = locate(loads[k], covariance / energy[k], self.signatures, self.distance_m, error=self.settings.error)
        if place.fit < self.settings.least_fit or place.far < self.settings.least_far:
            return None, False
        self.shapes.append((start, ramp))
        return OpenLeak(start_day=start, ramp_days=ramp, found_day=days, place=place, loading_m=loads[k]), True

    def _basis(self, days: int) -> FloatArray:
        columns = [np.ones(days)] + [shape(days, s, r) for s, r in self.shapes[-self.settings.most_shapes :]]
        q, r = np.linalg.qr(np.stack(columns, axis=1))
        return np.asarray(q[:, np.abs(np.diag(r)) > 1e-6])

    def _close(self, load: FloatArray, white: FloatArray, day: int) -> None:
        """A change for the better ends the open leak that it resembles most."""
        best, score = None, 0.5
        for leak in self.leaks:
            if leak.end_day is None:
                own, change = white @ leak.loading_m, -(white @ load)
                like = float(change @ own / np.maximum(np.linalg.norm(change) * np.linalg.norm(own), 1e-12))
                if like > score:
                    best, score = leak, like
        if best is not None:
            best.end_day = day


def shape(days: int, start: int, ramp: int) -> FloatArray:
    """0 before ``start``, then a step (``ramp`` 0) or growth over ``ramp`` days, faster with time, then level."""
    t = np.arange(days, dtype=np.float64)
    if ramp == 0:
        return np.asarray((t >= start).astype(np.float64))
    return np.asarray(np.clip((t - start) / ramp, 0.0, 1.0) ** 1.5)


def candidates(days: int, settings: LedgerSettings) -> list[tuple[int, int]]:
    """Steps of the last days, and growths that are still going on."""
    steps = [(s, 0) for s in range(max(1, days - settings.step_days), days)]
    slow = [(days - 1 - int(a * r), r) for r in settings.slow_days for a in (0.5, 0.75, 1.0) if days - 1 - int(a * r) > 3]
    return steps + slow


def fill(values: FloatArray) -> FloatArray:
    """Gaps as the last known value of the gauge; a gauge never seen is 0."""
    out = values.copy()
    for g in range(out.shape[1]):
        known = np.isfinite(out[:, g])
        where = np.maximum.accumulate(np.where(known, np.arange(len(out)), -1))
        first = out[known, g][0] if known.any() else 0.0
        out[:, g] = np.where(where >= 0, out[np.maximum(where, 0), g], first)
    return out


def noise_covariance(rest: FloatArray, *, days: int = 90, ridge: float = 0.1) -> FloatArray:
    """Covariance of a day's residual, from the last days, clipped against what has not been explained yet."""
    recent = rest[-days:]
    sd = np.maximum(1.4826 * np.median(np.abs(recent - np.median(recent, axis=0)), axis=0), 2e-3)
    z = np.clip((recent - np.median(recent, axis=0)) / sd, -3.0, 3.0)
    c = z.T @ z / len(z)
    c = (1 - ridge) * c + ridge * np.eye(len(sd))
    return np.asarray(c * np.outer(sd, sd))
