"""Hour after hour: what is usual, what is known already, and the bursts that are new. It remembers four weeks and no more."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.bursts import (
    BASE_DAYS,
    LEAST_GAUGES,
    BurstCandidate,
    BurstSettings,
    KnownChange,
    burst,
    contrast,
    contrast_covariance,
    standing_out,
)
from leak_detection.model.places import reach


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """How long things are looked at and remembered."""

    hours: tuple[float, ...] = (2.0, 6.0)
    """Lengths of the last stretch."""
    burst: BurstSettings = field(default_factory=BurstSettings)
    confirm: int = 2
    """Looks in succession that must agree, within ``near_m``."""
    near_m: float = 300.0
    """Stretched by ``places.reach`` where pipes are long."""
    repeat_days: float = 14.0
    """A told burst so near and so new is the same one, still growing."""
    learn_days: int = 28
    least_learnt: int = 48
    """Contrasts before anything is told."""
    measure_hours: float = 12.0
    """So long the size of a known change is still measured; what begins meanwhile is not told apart from it."""
    odd_chi2: float = 6.0
    """Change over noise, per gauge, of a change that nobody can place."""
    odd_hours: float = 6.0
    """Lasting so long it is taken off all the same."""


_LEAST_SAME_HOURS = 15


@dataclass(slots=True, kw_only=True, eq=False)
class _Known:
    start_row: int
    change_m: FloatArray
    measured: bool
    """Still to be measured anew at every look."""
    burst: BurstCandidate | None = None
    """Told, and followed for as long as it is measured."""
    told_row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Usual:
    """What contrasts were in the last weeks."""

    row: int
    covariance: FloatArray
    chi2: FloatArray
    middle: float
    """Median of these."""
    hour: NDArray[np.int64]
    """Row of the day of each contrast."""

    def restless(self, hour: int, per_day: int) -> float:
        """How much wilder these hours of the day are than all, at least 1."""
        apart = np.minimum((self.hour - hour) % per_day, (hour - self.hour) % per_day)
        same = self.chi2[apart <= per_day // 12]
        if same.size < _LEAST_SAME_HOURS:
            return 1.0
        return max(robust.scalar_median(same) / max(self.middle, 1e-9), 1.0)


def _learn(row: int, per_day: int, kept: Sequence[tuple[int, FloatArray]]) -> _Usual:
    rows, x = np.array([r for r, _ in kept]), np.stack([x for _, x in kept])
    covariance = contrast_covariance(x)
    x = np.nan_to_num(x)
    chi2 = ((x @ np.linalg.inv(covariance)) * x).sum(axis=1)
    return _Usual(row=row, covariance=covariance, chi2=chi2, middle=robust.scalar_median(chi2), hour=rows % per_day)


@dataclass(slots=True, kw_only=True, eq=False)
class BurstWatch:
    """Looks once an hour, or as often as it is given rows."""

    signatures: FloatArray
    """Change of the residual per m³/h at each place, shape (P, G)."""
    distance_m: FloatArray
    """Between places, shape (P, P)."""
    per_day: int
    settings: WatchSettings = field(default_factory=WatchSettings)
    _rows: FloatArray = field(init=False)
    _row: int = 0
    _step: int = 0
    """Rows of the last look."""
    _known: list[_Known] = field(default_factory=list)
    _contrasts: dict[int, deque[tuple[int, FloatArray]]] = field(default_factory=dict)
    _covariance: dict[int, _Usual] = field(default_factory=dict)
    _pending: list[int] = field(default_factory=list)
    _odd_since: int | None = None
    _told: list[tuple[int, int]] = field(default_factory=list)
    """Row and place."""

    def __post_init__(self) -> None:
        places = len(self.signatures)
        if self.distance_m.shape != (places, places):
            raise ConfigurationError(
                file="bursts",
                key="distance_m",
                value=self.distance_m.shape,
                expected=f"({places}, {places}): the places of the signatures",
            )
        self._rows = np.empty((0, self.signatures.shape[1]))

    @property
    def _longest(self) -> int:
        """Rows of the longest stretch."""
        return max(round(max(self.settings.hours) * self.per_day / 24), 1)

    def expect(self, change_m: FloatArray, rows_ago: int) -> None:
        """Something else (the ledger, a repair list) knows of a change: it is not told here, and not mixed with the next."""
        self._known.append(_Known(start_row=self._row - rows_ago, change_m=np.nan_to_num(change_m), measured=False))

    def mask(self, gauge: int, rows_ago: int) -> None:
        """A gauge was found at fault since then: its rows are no longer used."""
        self._rows[max(len(self._rows) - rows_ago, 0) :, gauge] = np.nan

    def look(self, residual_m: FloatArray) -> BurstCandidate | None:
        """Takes the newest rows, shape (n, G), NaN where missing or masked, and returns a burst that is new.

        Raises:
            ConfigurationError: Not the gauges of the signatures.
        """
        if residual_m.ndim != 2 or residual_m.shape[1] != self._rows.shape[1]:
            raise ConfigurationError(
                file="bursts",
                key="residual_m",
                value=residual_m.shape,
                expected=f"(n, {self._rows.shape[1]}): the gauges of the signatures",
            )
        keep = self.per_day * (BASE_DAYS + 1)
        self._rows = np.concatenate([self._rows, residual_m])[-keep:]
        self._row += len(residual_m)
        self._step = len(residual_m)
        if len(self._rows) < keep:
            return None
        window = self._rows
        known = self._refresh(window)
        found: BurstCandidate | None = None
        for hours in self.settings.hours:
            rows = max(round(hours * self.per_day / 24), 1)
            x = contrast(window, self.per_day, rows, known)
            covariance = self._usual(x, rows, odd=self._odd_since is not None)
            if covariance is None:
                continue
            most = standing_out(x, covariance)
            if most >= self.settings.burst.glr:  # few hours are so wild
                one = burst(window, self.signatures, covariance, self.per_day, rows=rows, known=known, settings=self.settings.burst)
                if one is not None and (found is None or one.glr > found.glr):
                    found = one
            if rows == self._longest:
                self._odd(x, most)
        return self._tell(found)

    def followed(self) -> list[BurstCandidate]:
        """Bursts told by earlier looks, with their change as it is known now, for ``measure_hours`` after they began."""
        measure = self.settings.measure_hours * self.per_day / 24
        lasting = [
            self._again(known, known.burst)
            for known in self._known
            if known.burst is not None and known.told_row < self._row <= known.start_row + measure
        ]
        return [burst for burst in lasting if np.isfinite(burst.change_m).sum() >= LEAST_GAUGES]

    def _again(self, known: _Known, burst: BurstCandidate) -> BurstCandidate:
        ago = self._row - known.start_row
        stretch = min(ago, self._longest)
        change = contrast(self._rows, self.per_day, stretch, [self._as_change(o) for o in self._known if o is not known])
        change[list(burst.left_out)] = np.nan
        return replace(burst, rows_ago=ago, change_m=change, covariance=self._error(stretch))

    def _error(self, stretch: int) -> FloatArray:
        """Covariance of a contrast of so many rows: the nearest shorter length that is learnt, for hours that follow err alike."""
        rows = max((length for length in self._covariance if length <= stretch), default=min(self._covariance))
        usual = self._covariance[rows]
        return np.asarray(usual.covariance * usual.restless(self._row % self.per_day, self.per_day) * max(rows / stretch, 1.0))

    def _refresh(self, window: FloatArray) -> list[KnownChange]:
        """Known changes that still matter, the newest measured anew."""
        keep = self.per_day * (BASE_DAYS + 1)
        self._known = [k for k in self._known if self._row - k.start_row < keep]
        measure = self.settings.measure_hours * self.per_day / 24
        for k in self._known:
            ago = self._row - k.start_row
            if k.measured and 0 < ago <= measure:
                others = [self._as_change(o) for o in self._known if o is not k]
                # The last hours only: the beginning is known to an hour or so.
                k.change_m = np.nan_to_num(contrast(window, self.per_day, min(ago, self._longest), others))
        return [self._as_change(k) for k in self._known]

    def _as_change(self, known: _Known) -> KnownChange:
        return KnownChange(rows_ago=self._row - known.start_row, change_m=known.change_m)

    def _usual(self, x: FloatArray, rows: int, *, odd: bool) -> FloatArray | None:
        """Covariance of the contrasts of the last weeks, made anew once a day; today's contrast is noted after it was used."""
        kept = self._contrasts.setdefault(rows, deque())
        usual = self._covariance.get(rows)
        if len(kept) >= self.settings.least_learnt and (usual is None or self._row - usual.row >= self.per_day):
            usual = self._covariance[rows] = _learn(self._row, self.per_day, kept)
        if not odd and (not kept or self._row - kept[-1][0] >= rows // 2):
            kept.append((self._row, x))
        while kept and self._row - kept[0][0] > self.settings.learn_days * self.per_day:
            kept.popleft()
        return None if usual is None else usual.covariance * usual.restless(self._row % self.per_day, self.per_day)

    def _odd(self, x: FloatArray, most: float) -> None:
        """A change that lasts and that nobody can place becomes known.

        Args:
            x: Contrast of the longest stretch, shape (G,).
            most: How far it stands out.
        """
        chi2 = most / max(int(np.isfinite(x).sum()), 1)
        if chi2 < self.settings.odd_chi2:
            self._odd_since = None
        elif self._odd_since is None:
            self._odd_since = self._row - self._step
        elif self._row - self._odd_since >= self.settings.odd_hours * self.per_day / 24:
            self._known.append(_Known(start_row=self._odd_since, change_m=np.nan_to_num(x), measured=True))
            self._odd_since = None

    def _tell(self, found: BurstCandidate | None) -> BurstCandidate | None:
        """The candidate once it has been seen often enough, unless it is a repair or a burst already told."""
        if found is None:
            self._pending.clear()
            return None
        sign = 1 if found.is_burst else -1
        if self._pending and (np.sign(self._pending[-1]) != sign or not self._is_near(abs(self._pending[-1]) - 1, found.place)):
            self._pending.clear()
        self._pending.append(sign * (found.place + 1))
        if len(self._pending) < self.settings.confirm:
            return None
        self._pending.clear()
        self._odd_since = None
        known = _Known(start_row=self._row - found.rows_ago, change_m=np.nan_to_num(found.change_m), measured=True)
        self._known.append(known)
        if not found.is_burst:
            return None
        oldest = self._row - self.settings.repeat_days * self.per_day
        self._told = [(row, place) for row, place in self._told if row >= oldest]
        again = any(self._is_near(place, found.place) for _, place in self._told)
        self._told.append((self._row, found.place))
        if again:
            return None
        known.burst, known.told_row = found, self._row
        return found

    def _is_near(self, place: int, other: int) -> bool:
        away_m = self.distance_m[other]
        return bool(away_m[place] <= self.settings.near_m * reach(away_m))
