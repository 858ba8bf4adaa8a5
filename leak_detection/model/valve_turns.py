"""Which pressure valve was turned, on which day and by how much: news for those who run the network, and no leak.

The ledger sets such days aside so that they make no leaks (``leak_detection.model.valve_settings``) and asks at once, of a step in
its own search. People can wait for two days that agree: then the mean of the gauges' noise says more, and a change is told by the
settings that explain it, if they leave far less of it than any leak does whose signature is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.signatures import SignatureSet, largest_m3h, of_gauges

_LEAST_SD_M = 0.003
_PRIOR_M = 1.0
"""Of a setting's change: one standard deviation, before anything is seen."""
_NOISE_DAYS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLimits:
    """When a change is a valve's."""

    after_days: int = 2
    """So many days must show it alike."""
    before_days: int = 5
    warm_days: int = 21
    least_m: float = 0.3
    """Less is drift: settings wander by that within weeks."""
    alike: float = 0.6
    """Of the mean of these days, each must show so much."""
    least_share: float = 0.97
    """Of the change, over the gauges' noise, that settings explain,"""
    least_own: float = 0.2
    """so much of it by this valve and by no other,"""
    beside_leak: float = 0.35
    """and of what the best leak leaves over, no more than that is left."""
    begun: float = 0.25
    """Of the change: the first day that shows so much is the day of it."""
    shows: float = 0.25
    """Of what the valve does to the gauge that follows it most: such a gauge is behind it,"""
    least_gauges: int = 3
    """and with fewer the gauge itself may have stepped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingTurned:
    """A valve's setting that has changed."""

    valve: int
    """Its row in ``SignatureSet.wander_m``."""
    day: int
    """On which it was turned."""
    told_day: int
    """Days known when it was told."""
    change_m: float
    error_m: float
    """Standard error by the gauges alone; how well the valve's effect is known is not in it."""
    share: float
    """Of the change of the gauges, over their noise, that settings explain."""


@dataclass(slots=True, kw_only=True, eq=False)
class ValveWatch:
    """Sees one day after another; never the next."""

    signatures: SignatureSet
    """Of the pressure gauges."""
    limits: TurnLimits = field(default_factory=TurnLimits)
    turned: list[SettingTurned] = field(default_factory=list)
    """Everything told, in order."""

    def look(self, residual_m: FloatArray) -> list[SettingTurned]:
        """Judges the newest day.

        Args:
            residual_m: All days so far, shape (T, G), NaN where missing.

        Returns:
            Settings whose change is new today.
        """
        s, along = self.limits, self.signatures.wander_m
        days = len(residual_m)
        first = max(days - s.after_days - s.before_days, self.turned[-1].day + 1 if self.turned else 0)
        if along is None or not along.size or days < s.warm_days or first >= days - s.after_days:
            return []
        step = _Step.of(residual_m, first, self.signatures, s)
        new = [] if step is None else [step.told(int(valve), s) for valve in step.valves(s)]
        self.turned += new
        return new


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Step:
    """What the newest days have beyond those before them."""

    first: int
    """Day of the first row."""
    setting_m: FloatArray
    """Of each day less the level before, shape (n, V); NaN on a day that a gauge did not see."""
    change_m: FloatArray
    """Of the settings, by the newest days together, shape (V,)."""
    error_m: FloatArray
    share: float
    own: FloatArray
    """Share that each valve alone explains, shape (V,)."""
    of_leak: float
    """Share that the best leak explains."""
    behind: NDArray[np.int64]
    """Gauges behind each valve, shape (V,)."""

    @staticmethod
    def of(residual_m: FloatArray, first: int, signatures: SignatureSet, s: TurnLimits) -> _Step | None:
        """From the days since ``first``; None where too few gauges were read."""
        rows, noise = residual_m[first:], _noise_m(residual_m)
        moved_m = rows - robust.median(rows[: -s.after_days])
        seen = np.asarray(np.isfinite(moved_m[-s.after_days :]).all(axis=0))
        along = np.zeros((0, 0)) if signatures.wander_m is None else (signatures.wander_m / noise)[:, seen]
        if seen.sum() <= len(along):
            return None
        unit = moved_m[:, seen] / noise[seen]
        normal = along @ along.T + _PRIOR_M**-2 * np.eye(len(along))
        whole = unit[-s.after_days :].mean(axis=0)
        change_m = np.linalg.solve(normal, along @ whole)
        power, left = float(whole @ whole), _left(whole, along)
        misfit = max(left / max(len(whole) - len(along), 1), 1.0)
        alone = [(_left(whole, np.delete(along, k, axis=0)) - left) / power for k in range(len(along))]
        return _Step(
            first=first,
            setting_m=np.stack([_settings_m(row, along) for row in unit]),
            change_m=change_m,
            error_m=np.sqrt(np.diag(np.linalg.inv(normal)) * misfit),
            share=1.0 - left / power,
            own=np.array(alone),
            of_leak=_share_of_leak(whole, of_gauges(signatures, seen), noise[seen]),
            behind=_behind(along * noise[seen], s.shows),
        )

    def valves(self, s: TurnLimits) -> NDArray[np.intp]:
        """Which were turned."""
        if self.share < s.least_share or 1.0 - self.share > s.beside_leak * (1.0 - self.of_leak):
            return np.empty(0, dtype=np.intp)
        size_m = np.abs(self.change_m)
        least_m = (self.setting_m[-s.after_days :] * np.sign(self.change_m)).min(axis=0)
        steady = (size_m >= s.least_m) & (least_m >= s.alike * size_m)
        return np.flatnonzero(steady & (self.own >= s.least_own) & (self.behind >= s.least_gauges))

    def told(self, valve: int, s: TurnLimits) -> SettingTurned:
        """A valve's part of it."""
        share = self.setting_m[:, valve] / self.change_m[valve]
        row = int(np.flatnonzero(share < s.begun)[-1]) + 1 if (share < s.begun).any() else 0
        days = self.setting_m[-s.after_days :, valve]
        # The day of it is half old, half new.
        whole = days[1:] if row == len(share) - s.after_days else days
        return SettingTurned(
            valve=valve,
            day=self.first + row,
            told_day=self.first + len(share),
            change_m=float(whole.mean()),
            error_m=float(self.error_m[valve]),
            share=self.share,
        )


def _settings_m(unit: FloatArray, along: FloatArray) -> FloatArray:
    """Of one day, shape (V,), by the gauges that were read; NaN with fewer of them than valves."""
    seen = np.isfinite(unit)
    if seen.sum() <= len(along):
        return np.full(len(along), np.nan)
    part = along[:, seen]
    return np.asarray(np.linalg.solve(part @ part.T + _PRIOR_M**-2 * np.eye(len(part)), part @ unit[seen]))


def _left(unit: FloatArray, along: FloatArray) -> float:
    """Of a change over the noise, shape (G,): what settings along their directions leave, squared."""
    normal = along @ along.T + _PRIOR_M**-2 * np.eye(len(along))
    rest = unit - np.linalg.solve(normal, along @ unit) @ along
    return float(rest @ rest)


def _noise_m(residual_m: FloatArray) -> FloatArray:
    """Of one day of each gauge by neighbouring days, shape (G,); steps are few and do not move a median."""
    step = np.abs(np.diff(residual_m[-_NOISE_DAYS:], axis=0))
    noise = robust.SD_OF_MAD * robust.median(step) / 2.0**0.5
    return np.asarray(np.maximum(np.nan_to_num(noise), _LEAST_SD_M))


def _behind(along_m: FloatArray, shows: float) -> NDArray[np.int64]:
    """How many gauges follow each valve, shape (V,)."""
    size = np.abs(along_m)
    return np.asarray((size >= np.maximum(shows * size.max(axis=1, keepdims=True), 1e-6)).sum(axis=1), dtype=np.int64)


def _share_of_leak(unit: FloatArray, signatures: SignatureSet, noise_m: FloatArray) -> float:
    """Of the squared change over the noise: what the best leak explains, or the end of one; none is larger than signatures know."""
    most = largest_m3h(signatures)
    best = 0.0
    for size_m3h in (signatures.sizes_m3h[0], signatures.sizes_m3h[-1]):
        along = signatures.at(float(size_m3h)) / noise_m
        product, power = along @ unit, np.maximum((along**2).sum(axis=1), 1e-12)
        flow_m3h = np.clip(product / power, -most, most)
        best = max(best, float((2.0 * flow_m3h * product - flow_m3h**2 * power).max()))
    return best / max(float(unit @ unit), 1e-12)
