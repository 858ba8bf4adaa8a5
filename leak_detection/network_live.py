"""The network layer in force: it takes hour after hour, knows which repairs it was told of and who is silent. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from domain.points import PointKey
from domain.series import FloatArray
from domain.valves import ValveTurned
from leak_detection.model.ledger_records import Repair
from leak_detection.network_ends import LayerSpan
from leak_detection.network_leaks import NetworkLeak, NetworkPoints, network_leak
from leak_detection.network_past import LearnedNetwork
from leak_detection.network_valves import valves_turned

SILENT_S = 86400.0
SILENT_SHARE = 0.2
"""Of the gauges: with more of them silent a leak is less sure."""
GAUGES_SILENT = "gauges_silent"
"""Note of such a leak."""
_DAY_S, _HOUR_S = 86400.0, 3600.0

PipeRepair = tuple[datetime, str]
"""When and at which pipe."""


@dataclass(slots=True, kw_only=True, eq=False)
class LiveNetwork:
    """What was learnt, and what has come since."""

    learned: LearnedNetwork
    points: NetworkPoints
    start_s: float
    done_s: float
    """Everything before is taken."""
    usual_m: FloatArray
    """Pressure at the outlet of each steered valve as it was when the layer learnt; NaN where that is not known."""
    repairs: set[PipeRepair]
    """Those that the run knows."""
    silent: tuple[PointKey, ...] = ()
    """Those that have said nothing for ``SILENT_S``."""
    learnt: datetime = field(init=False)
    """End of what it had looked at when it was new."""
    _used: tuple[PointKey, ...] = field(init=False)
    """Gauges, meters and tanks in use."""
    _heard_s: FloatArray = field(init=False)
    """When each of them last said something."""
    _notes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Of leaks, by their place among those of the run: what made them less sure when they were told."""

    def __post_init__(self) -> None:
        kept = (*self.learned.gauges, *self.learned.drivers)
        self._used = tuple(key for key, keep in zip(self.points.points, kept, strict=True) if keep)
        self._heard_s = np.full(len(self._used), self.done_s)
        self.learnt = datetime.fromtimestamp(self.done_s, UTC)

    @property
    def span(self) -> LayerSpan:
        """What it has looked at."""
        opened_s = self.start_s + self.learned.run.opening * _DAY_S
        start, opened, until = (datetime.fromtimestamp(s, UTC) for s in (self.start_s, opened_s, self.done_s))
        return LayerSpan(start=start, opened=opened, until=until)

    @property
    def leaks(self) -> list[NetworkLeak]:
        """All that the run has told, those that are over among them."""
        told = enumerate(self.learned.run.leaks)
        return [network_leak(leak, self.learned, self.points, self.start_s, self._notes.get(n, ())) for n, leak in told]

    @property
    def turned(self) -> list[ValveTurned]:
        """Valves that were turned, all that the run has told."""
        run = self.learned.run
        return valves_turned(run.watch.valves.turned, self.learned.valves, run.opening, self.start_s)

    def take(self, pressure_m: FloatArray, drivers: FloatArray, say: Callable[[str], None]) -> None:
        """Whole hours that follow on ``done_s``.

        Args:
            pressure_m: Of all gauges, shape (T, G), NaN where missing.
            drivers: Of all meters and tanks, shape (T, D), NaN where missing.
            say: Is told who falls silent and who is heard again.
        """
        pressure_m, drivers = pressure_m[:, self.learned.gauges], drivers[:, self.learned.drivers]
        run, rows = self.learned.run, round(_HOUR_S / self.points.step_s)
        for first in range(0, len(pressure_m), rows):
            run.hour(pressure_m[first : first + rows], drivers[first : first + rows])
            self.done_s += _HOUR_S
            if (self.done_s - self.start_s) % _DAY_S == 0:
                run.end_day([np.nan] * (run.watch.whole.change_m.shape[2] - run.watch.gauges.change_m.shape[2]))
            self._listen(pressure_m[first : first + rows], drivers[first : first + rows], say)

    def repaired(self, repairs: Sequence[PipeRepair]) -> None:
        """Proved work: the ledger ends the leaks it ended, and takes nothing of it for a new one. Each is told once."""
        for at, pipe in [r for r in repairs if r not in self.repairs]:
            self.repairs.add((at, pipe))
            day = (at.timestamp() - self.start_s) / _DAY_S
            if day >= 0 and pipe in self.learned.pipes:
                self.learned.run.repaired(Repair(day=day, place=self.learned.pipes.index(pipe)))

    def _listen(self, pressure: FloatArray, drivers: FloatArray, say: Callable[[str], None]) -> None:
        """Notes who is silent, says so when that changes, and what it means for leaks told meanwhile."""
        heard = np.isfinite(np.concatenate([pressure, drivers], axis=1)).any(axis=0)
        self._heard_s[heard] = self.done_s
        quiet = self.done_s - self._heard_s >= SILENT_S
        count, run = pressure.shape[1], self.learned.run
        silent = tuple(key for key, is_quiet in zip(self._used, quiet, strict=True) if is_quiet)
        if silent != self.silent:
            self.silent = silent
            say(_silence(self._used, quiet, count))
        if quiet[:count].mean() > SILENT_SHARE:
            hour_ago = (self.done_s - _HOUR_S - self.start_s) / _DAY_S
            self._notes |= {n: (GAUGES_SILENT,) for n, leak in enumerate(run.leaks) if leak.told.told_day > hour_ago}


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
