"""The network layer in the running service: when it learns, what it reads, how it goes on hour by hour.

    readings ──past──▶ learnt apart (tens of seconds) ──▶ a run at the end of that past ──hour after hour──▶ leaks

Which past teaches: ``network_schedule``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.calendar import Calendar
from domain.errors import KhettaraError
from domain.network_status import NetworkStatus
from domain.points import PointKey
from domain.ports import SeriesSource
from domain.series import FloatArray, local_days_and_minutes, on_grid
from leak_detection.model.ledger_records import Repair
from leak_detection.network_ends import LayerSpan
from leak_detection.network_leaks import NetworkLeak, NetworkPoints, network_leak
from leak_detection.network_past import CalibrationError, LearnedNetwork, NetworkPast, known_enough
from leak_detection.network_schedule import LONGEST_DAYS, TEACH_DAYS, next_midnight_s, teaching_span, winter_offset_s

LAG_S = 900.0
"""An hour is looked at so long after its end: polls, spools and commits take their time."""
SILENT_S = 86400.0
SILENT_SHARE = 0.2
"""Of the gauges: with more of them silent a leak is less sure."""
GAUGES_SILENT = "gauges_silent"
"""Note of such a leak."""
MOST_HOURS = 48
"""Looked at in one tick: what was missed is caught up with in several."""
_DAY_S, _HOUR_S = 86400.0, 3600.0
_CHUNK_DAYS = 7
_EMPTY_CHUNKS = 5
"""Weeks without any reading before which nothing is looked for."""

PipeRepair = tuple[datetime, str]
"""When and at which pipe."""


class Apart(Protocol):
    """Learns beside everything else, one past at a time."""

    def start(self, past: Awaitable[NetworkPast]) -> None:
        """Begins: waits for the past, then learns from it."""
        ...

    @property
    def busy(self) -> bool:
        """Whether it is under way, or has an outcome that nobody has taken."""
        ...

    def outcome(self) -> LearnedNetwork | str | None:
        """What was learnt, or in words why nothing was; None while it is under way. Given once."""
        ...

    def say(self, words: str) -> None:
        """Tells those who run the system."""
        ...


@dataclass(slots=True, kw_only=True)
class _Live:
    learned: LearnedNetwork
    start_s: float
    done_s: float
    """Everything before is taken."""
    usual_m: FloatArray
    """Pressure at the outlet of each steered valve as it was when the layer learnt; NaN where that is not known."""
    heard_s: FloatArray
    """When each gauge, meter and tank in use last said something."""
    silent: tuple[PointKey, ...] = ()
    """Those that have said nothing for ``SILENT_S``."""
    notes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Of leaks, by their place among those of the run: what made them less sure when they were told."""
    repairs: set[PipeRepair] = field(default_factory=set)
    """Those that the run knows."""


class NetworkService:
    """Leaks of one network.

    Args:
        points: The network file and its names.
        calendar: Local time: demand goes by the clock.
        series: Where readings come from.
        apart: Learns.
    """

    def __init__(self, points: NetworkPoints, calendar: Calendar, series: SeriesSource, apart: Apart) -> None:
        self._points = points
        self._calendar = calendar
        self._offset_s = winter_offset_s(calendar)
        self._series = series
        self._apart = apart
        self._live: _Live | None = None
        self._outlets = tuple(dict.fromkeys(points.steered.values()))
        self._reading: tuple[float, float] = (0.0, 0.0)
        self._usual_m = np.full(len(self._outlets), np.nan)
        self._tried_s = -np.inf
        self._repairs: tuple[PipeRepair, ...] = ()
        self._handed: tuple[PipeRepair, ...] = ()
        """Of these, what the layer that is learnt now begins with."""
        self.trouble = ""
        """In words, why nothing is learnt; empty while nothing is wrong."""

    @property
    def learned(self) -> LearnedNetwork | None:
        """What is in force; None while nothing is."""
        return None if self._live is None else self._live.learned

    def now(self) -> NetworkStatus:
        """What people are told of the layer."""
        status = NetworkStatus(
            network=self._points.network.name, learning=self._apart.busy, trouble=self.trouble, named=len(self._points.gauges)
        )
        live, span = self._live, self.span
        if live is None or span is None:
            return status
        return replace(
            status,
            start=span.start,
            opened=span.opened,
            until=span.until,
            gauges=int(live.learned.gauges.sum()),
            silent=tuple(str(point) for point in live.silent),
            doubts=live.learned.doubts,
            repairs=sum(pipe in live.learned.pipes for _, pipe in live.repairs),
        )

    @property
    def span(self) -> LayerSpan | None:
        """What the layer in force has looked at; None while none is."""
        live = self._live
        if live is None:
            return None
        opened_s = live.start_s + live.learned.run.opening * _DAY_S
        start, opened, until = (datetime.fromtimestamp(s, UTC) for s in (live.start_s, opened_s, live.done_s))
        return LayerSpan(start=start, opened=opened, until=until)

    async def tick(self, now: datetime, repairs: Sequence[PipeRepair] = ()) -> Sequence[NetworkLeak]:
        """Takes the hours that have become complete; every leak since the layer learnt, those that are over among them.

        Args:
            now: Of data.
            repairs: Proved ones, at pipes, from as far back as the layer looks.
        """
        self._repairs = tuple(repairs)
        mark = float(np.floor((now.timestamp() - LAG_S) / _HOUR_S) * _HOUR_S)
        self._take_outcome()
        if self._live is not None:
            try:
                await self._advance(self._live, mark)
            except KhettaraError:
                raise
            except Exception as error:  # noqa: BLE001  a supervisor: what the model stumbles over must not stop the zones' alarms
                self._give_up(mark, f"it stumbled and begins anew in a day: {error!r}")
        if self._due(mark) and not self._apart.busy:
            self._tried_s = mark
            self._apart.start(self._past(mark))
        live = self._live
        if live is None:
            return []
        leaks = enumerate(live.learned.run.leaks)
        return [network_leak(k, live.learned, self._points, live.start_s, live.notes.get(n, ())) for n, k in leaks]

    def _due(self, mark: float) -> bool:
        """Whether to learn: for the first time, or from more data; a day after a try at the soonest."""
        if mark - self._tried_s < _DAY_S:
            return False
        if self._live is None:
            return True
        live = self._live
        return teaching_span(live.start_s, mark, self._offset_s) not in (None, (live.start_s, live.learned.run.opening))

    def _give_up(self, mark: float, words: str) -> None:
        self._live, self.trouble, self._tried_s = None, words, mark
        self._apart.say(words)

    def _take_outcome(self) -> None:
        found = self._apart.outcome()
        if isinstance(found, LearnedNetwork):
            start_s, until_s = self._reading
            used = int(found.gauges.sum() + found.drivers.sum())
            self._live = _Live(
                learned=found,
                start_s=start_s,
                done_s=until_s,
                usual_m=self._usual_m,
                heard_s=np.full(used, until_s),
                repairs=set(self._handed),
            )
            self.trouble = ""
        elif found is not None:
            self.trouble = found

    async def _advance(self, live: _Live, mark: float) -> None:
        """Hour by hour; what is not there by now is missing."""
        until = min(mark, live.done_s + MOST_HOURS * _HOUR_S)
        if until <= live.done_s:
            return
        self._tell_repairs(live)
        pressure, drivers, outlets = await self._read(live.done_s, until)
        pressure = self._as_usual(pressure, outlets, live.usual_m)
        pressure, drivers = pressure[:, live.learned.gauges], drivers[:, live.learned.drivers]
        run, rows = live.learned.run, round(_HOUR_S / self._points.step_s)
        for first in range(0, len(pressure), rows):
            run.hour(pressure[first : first + rows], drivers[first : first + rows])
            live.done_s += _HOUR_S
            if (live.done_s - live.start_s) % _DAY_S == 0:
                run.end_day([np.nan] * (run.watch.whole.change_m.shape[2] - run.watch.gauges.change_m.shape[2]))
            self._listen(live, pressure[first : first + rows], drivers[first : first + rows])

    def _tell_repairs(self, live: _Live) -> None:
        """Work that was proved since: the ledger ends the leaks it ended, and takes nothing of it for a new one."""
        for at, pipe in [r for r in self._repairs if r not in live.repairs]:
            live.repairs.add((at, pipe))
            day = (at.timestamp() - live.start_s) / _DAY_S
            if day >= 0 and pipe in live.learned.pipes:
                live.learned.run.repaired(Repair(day=day, place=live.learned.pipes.index(pipe)))

    def _listen(self, live: _Live, pressure: FloatArray, drivers: FloatArray) -> None:
        """Notes who is silent, says so when that changes, and what it means for leaks told meanwhile."""
        heard = np.isfinite(np.concatenate([pressure, drivers], axis=1)).any(axis=0)
        live.heard_s[heard] = live.done_s
        used = [key for key, keep in zip(self._points.points, (*live.learned.gauges, *live.learned.drivers), strict=True) if keep]
        quiet = live.done_s - live.heard_s >= SILENT_S
        count, run = pressure.shape[1], live.learned.run
        silent = tuple(key for key, is_quiet in zip(used, quiet, strict=True) if is_quiet)
        if silent != live.silent:
            live.silent = silent
            self._apart.say(_silence(used, quiet, count))
        if quiet[:count].mean() > SILENT_SHARE:
            hour_ago = (live.done_s - _HOUR_S - live.start_s) / _DAY_S
            live.notes |= {n: (GAUGES_SILENT,) for n, leak in enumerate(run.leaks) if leak.told.told_day > hour_ago}

    async def _past(self, mark: float) -> NetworkPast:
        """All that teaches and all since, up to ``mark``.

        Raises:
            CalibrationError: Too little of it.
        """
        points, offset = self._points, self._offset_s
        first_s, parts = await self._backward(mark)
        span = teaching_span(next_midnight_s(first_s, offset), mark, offset)
        if span is None:
            raise CalibrationError(
                f"{(mark - first_s) / _DAY_S:.0f} days of readings; the network layer begins with {TEACH_DAYS[0] + 1}"
            )
        start_s, opening = span
        values = np.concatenate(parts)[-round((mark - start_s) / points.step_s) :]
        times = start_s + points.step_s * np.arange(len(values), dtype=np.float64)
        count, every = len(points.gauges), len(points.points)
        self._usual_m = _usual(values[: opening * round(_DAY_S / points.step_s), every:])
        self._reading, self._handed = (start_s, mark), self._repairs
        days = [((at.timestamp() - start_s) / _DAY_S, pipe) for at, pipe in self._handed]
        return NetworkPast(
            network=points.network,
            gauges=tuple(points.gauges.values()),
            meters=tuple(points.meters.values()),
            tanks=tuple(points.tanks.values()),
            opening=opening,
            per_day=round(_DAY_S / points.step_s),
            hour=(local_days_and_minutes(times, self._calendar.zone)[1] // 60).astype(np.int64),
            pressure_m=self._as_usual(values[:, :count], values[:, every:], self._usual_m),
            drivers=values[:, count:every],
            repairs=tuple((day, pipe) for day, pipe in days if day >= 0),
        )

    async def _backward(self, mark: float) -> tuple[float, list[FloatArray]]:
        """The first moment with a reading and the rows from the chunk it lies in up to ``mark``; week by week into the past."""
        parts: list[FloatArray] = []
        end, empty, first_s = mark, 0, mark
        while mark - end < LONGEST_DAYS * _DAY_S and empty < _EMPTY_CHUNKS:
            start = end - _CHUNK_DAYS * _DAY_S
            part = np.concatenate(await self._read(start, end), axis=1)
            known = np.flatnonzero(np.isfinite(part).any(axis=1))
            empty = 0 if known.size else empty + 1
            first_s = start + self._points.step_s * float(known[0]) if known.size else first_s
            parts.insert(0, part)
            end = start
        return first_s, parts

    async def _read(self, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Gauges, drivers and outlets of steered valves on the grid, shapes (T, G), (T, D) and (T, V); NaN where missing."""
        points, wanted = self._points, (*self._points.points, *self._outlets)
        found = await self._series.series(
            wanted, datetime.fromtimestamp(start_s, UTC), datetime.fromtimestamp(end_s, UTC), points.step_s
        )
        size = round((end_s - start_s) / points.step_s)
        columns = [on_grid(found[key], start_s, points.step_s, size) if key in found else np.full(size, np.nan) for key in wanted]
        values, count, every = np.stack(columns, axis=1), len(points.gauges), len(points.points)
        return values[:, :count], values[:, count:every], values[:, every:]

    def _as_usual(self, pressure_m: FloatArray, outlets_m: FloatArray, usual_m: FloatArray) -> FloatArray:
        """Pressures as they would be with each steered valve as it was when the layer learnt.

        Behind a valve they follow its outlet; what is left is what the pipes lose.
        """
        found = pressure_m.copy()
        for k, gauge in enumerate(self._points.gauges):
            outlet = self._points.steered.get(gauge)
            n = None if outlet is None else self._outlets.index(outlet)
            if n is not None and np.isfinite(usual_m[n]):
                found[:, k] -= outlets_m[:, n] - usual_m[n]
        return found


def _usual(outlets_m: FloatArray) -> FloatArray:
    """Median of each column; NaN where it was hardly ever read."""
    known = known_enough(outlets_m)
    usual = np.full(outlets_m.shape[1], np.nan)
    usual[known] = np.nanmedian(outlets_m[:, known], axis=0)
    return usual


def _silence(used: Sequence[PointKey], quiet: NDArray[np.bool_], gauges: int) -> str:
    """What those who are silent keep the layer from."""
    silent = [key for key, is_quiet in zip(used[:gauges], quiet[:gauges], strict=True) if is_quiet]
    without = [key for key, is_quiet in zip(used[gauges:], quiet[gauges:], strict=True) if is_quiet]
    words = []
    if without:
        words.append(f"{', '.join(without)}: silent for a day; without every flow and level no pressure can be judged")
    if silent:
        words.append(f"{', '.join(silent)}: gauges silent for a day; places are less sure")
    return "; ".join(words) or "every gauge, flow and level is heard again"
