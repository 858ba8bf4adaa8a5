"""The network layer in the running service: when it learns, what it reads, how it goes on hour by hour.

    readings ──past──▶ learnt apart (tens of seconds) ──▶ a run at the end of that past ──hour after hour──▶ leaks

Which past teaches: ``network_schedule``; what is read: ``network_readings``; what goes on: ``network_live``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import numpy as np

from domain.calendar import Calendar
from domain.errors import KhettaraError
from domain.network_status import NetworkStatus
from domain.ports import OrderReader, SeriesSource
from leak_detection.network_ends import LayerSpan
from leak_detection.network_leaks import NetworkLeak, NetworkPoints
from leak_detection.network_live import LiveNetwork, PipeRepair
from leak_detection.network_orders import TurnedValves
from leak_detection.network_past import LearnedNetwork, NetworkPast
from leak_detection.network_readings import NetworkReadings, Taught
from leak_detection.network_schedule import teaching_span, winter_offset_s

LAG_S = 900.0
"""An hour is looked at so long after its end: polls, spools and commits take their time."""
MOST_HOURS = 48
"""Looked at in one tick: what was missed is caught up with in several."""
_DAY_S, _HOUR_S = 86400.0, 3600.0


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


class NetworkService:
    """Leaks of one network.

    Args:
        points: The network file and its names.
        calendar: Local time: demand goes by the clock.
        series: Where readings come from.
        apart: Learns.
        orders: What the product ordered of valves; None where nobody knows.
    """

    def __init__(
        self, points: NetworkPoints, calendar: Calendar, series: SeriesSource, apart: Apart, orders: OrderReader | None = None
    ) -> None:
        self._points = points
        self._offset_s = winter_offset_s(calendar)
        self._readings = NetworkReadings(points, calendar, series)
        self._apart = apart
        self._valves = TurnedValves(points.valves, orders, calendar.zone)
        self._live: LiveNetwork | None = None
        self._taught: Taught | None = None
        """By the past that was read last."""
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
            valves=self._valves.newest,
        )

    @property
    def span(self) -> LayerSpan | None:
        """What the layer in force has looked at; None while none is."""
        return None if self._live is None else self._live.span

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
                await self._valves.take(self._live.turned, self._live.span.until, self._live.learnt, self._apart.say)
            except KhettaraError:
                raise
            except Exception as error:  # noqa: BLE001  a supervisor: what the model stumbles over must not stop the zones' alarms
                self._give_up(mark, f"it stumbled and begins anew in a day: {error!r}")
        if self._due(mark) and not self._apart.busy:
            self._tried_s = mark
            self._apart.start(self._past(mark))
        return [] if self._live is None else self._live.leaks

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
        found, taught = self._apart.outcome(), self._taught
        if isinstance(found, str):
            self.trouble = found
        elif found is not None and taught is not None:
            self._live = LiveNetwork(
                learned=found,
                points=self._points,
                start_s=taught.start_s,
                done_s=taught.end_s,
                usual_m=taught.usual_m,
                repairs=set(self._handed),
            )
            self.trouble = ""

    async def _advance(self, live: LiveNetwork, mark: float) -> None:
        """Hour by hour; what is not there by now is missing."""
        until = min(mark, live.done_s + MOST_HOURS * _HOUR_S)
        if until <= live.done_s:
            return
        live.repaired(self._repairs)
        live.take(*await self._readings.between(live.done_s, until, live.usual_m), self._apart.say)

    async def _past(self, mark: float) -> NetworkPast:
        """All that teaches and all since, up to ``mark``, with the repairs known by then.

        Raises:
            CalibrationError: Too little of it.
        """
        past, taught = await self._readings.past(mark)
        self._taught, self._handed = taught, self._repairs
        days = [((at.timestamp() - taught.start_s) / _DAY_S, pipe) for at, pipe in self._handed]
        return replace(past, repairs=tuple((day, pipe) for day, pipe in days if day >= 0))
