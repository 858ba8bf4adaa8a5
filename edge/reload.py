"""A changed ``edge.toml`` taken while the gateway runs.

    changed, or SIGHUP ─▶ read, check ─▶ swap what differs ─▶ on trial ─▶ kept
                              │                                  │
                              ▼ wrong: the old goes on           ▼ a device that was reached is not: all of the old comes back

Only devices and buses can be changed so; the spool, the broker and the rest stay as they are and ask for a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import structlog

from domain.errors import ConfigurationError
from edge.fleet import Fleet, Link
from edge.settings import EdgeSettings, load_edge_settings
from edge.waiting import wait_for

log = structlog.get_logger()

_LOOK_S = 1.0
_LEAST_TRIAL_S = 5.0
_LONGEST_TRIAL_S = 300.0
_TRIAL_POLLS = 3


class ReloadState(StrEnum):
    """What became of the last change."""

    RUNNING = "running"
    TRIAL = "trial"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"


@dataclass(slots=True, kw_only=True)
class ReloadStatus:
    """For the status document."""

    generation: int = 1
    """Counts the sets of devices taken, those rolled back included."""
    state: ReloadState = ReloadState.RUNNING
    detail: str = ""


class Reloader:
    """Watches one file and brings its changes into a fleet."""

    def __init__(
        self,
        *,
        path: Path,
        settings: EdgeSettings,
        fleet: Fleet,
        prepare: Callable[[Iterable[Link]], Awaitable[None]],
        on_removed: Callable[[str], None],
    ) -> None:
        """``prepare`` makes the spool ready for new fields; ``on_removed`` is told of devices that are no more."""
        self._path = path
        self._settings = settings
        self._fleet = fleet
        self._prepare = prepare
        self._on_removed = on_removed
        self._asked = asyncio.Event()
        self._seen = _stamp(path)
        self.status = ReloadStatus()

    def ask(self) -> None:
        """Reads the file again now: SIGHUP."""
        self._asked.set()

    async def run(self) -> None:
        """Watches until cancelled."""
        while True:
            asked = await wait_for(self._asked, _LOOK_S)
            self._asked.clear()
            stamp = _stamp(self._path)
            if asked or (stamp is not None and stamp != self._seen):
                self._seen = stamp
                await self.reload()

    async def reload(self) -> None:
        """Takes what the file says now, if it can be taken."""
        try:
            settings = load_edge_settings(self._path)
            self._check_scope(settings)
            links = self._fleet.build(settings.devices)
        except ConfigurationError as error:
            self._tell(ReloadState.REFUSED, str(error))
            return
        added, changed, removed = self._fleet.changes(links)
        if not (added or changed or removed):
            self._tell(ReloadState.RUNNING, "nothing has changed")
            return
        before = dict(self._fleet.links)
        watched = {key for key in changed if self._fleet.pollers[key].reached and self._fleet.pollers[key].answers}
        await self._swap(links)
        self._tell(ReloadState.TRIAL, f"{len(added)} added, {len(changed)} changed, {len(removed)} removed")
        lost = await self._lost(watched)
        if lost:
            await self._swap(before)
            self._tell(ReloadState.ROLLED_BACK, f"no answer any more from {', '.join(sorted(lost))}")
            return
        self._settings = settings
        self._tell(ReloadState.RUNNING, f"{len(added)} added, {len(changed)} changed, {len(removed)} removed")

    def _check_scope(self, settings: EdgeSettings) -> None:
        fixed = replace(settings, devices=self._settings.devices)
        if fixed != self._settings:
            names = [n for n in EdgeSettings.__slots__ if n != "devices" and getattr(fixed, n) != getattr(self._settings, n)]
            expected = "a restart: only buses and devices can change while the gateway runs"
            raise ConfigurationError(file=self._path.name, key=", ".join(names), value="changed", expected=expected)

    async def _swap(self, links: dict[str, Link]) -> None:
        _, _, removed = self._fleet.changes(links)
        await self._prepare(links.values())
        await self._fleet.swap(links)
        for key in removed:
            self._on_removed(key)
        self.status.generation += 1

    async def _lost(self, watched: set[str]) -> set[str]:
        """Those of the watched devices that have given no answer by the end of their trial."""
        waiting = set(watched)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while waiting:
            for key in tuple(waiting):
                poller, settings = self._fleet.pollers[key], self._fleet.links[key].settings
                trial_s = _TRIAL_POLLS * (settings.period_s / self._settings.clock.speed + settings.timeout_s)
                if poller.answers:
                    waiting.discard(key)
                elif loop.time() - begun > min(_LONGEST_TRIAL_S, max(_LEAST_TRIAL_S, trial_s)):
                    return waiting
            await asyncio.sleep(0.05)
        return set()

    def _tell(self, state: ReloadState, detail: str) -> None:
        self.status.state, self.status.detail = state, detail
        log.info("configuration", state=state.value, detail=detail, generation=self.status.generation)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file does; None where it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
