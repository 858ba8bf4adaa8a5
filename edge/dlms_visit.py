"""One visit to a meter: registers, clock, and the rows of its load profile that are not in the spool yet.

Each step is a job of its own in the queue of the address, so that a command waits for one request and not for a month of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from domain.errors import DecodeError
from domain.ports import Clock
from edge.bus import Priority
from edge.dlms_clock import ClockState, ClockVerdict, judge_clock
from edge.dlms_link import MeterLink
from edge.dlms_registers import Registers
from edge.dlms_rows import Taken, columns_of, take_rows, windows
from edge.dlms_store import MeterStore
from protocols.dlms.buffer import Row
from protocols.dlms.client import DlmsClient
from protocols.dlms.errors import AccessRefused
from protocols.dlms.model import MeterField
from protocols.dlms.profile import ProfileLayout, read_clock, read_layout, read_profile, set_clock
from protocols.dlms.selection import by_time

log = structlog.get_logger()

_LIVE_PERIODS = 2
"""Rows older than so many capture periods are history: they yield to what is fresh."""


@dataclass(slots=True, kw_only=True)
class MeterCounters:
    """What the visits to one meter have done since the process began."""

    visits: int = 0
    rows: int = 0
    """Rows of the load profile taken."""
    backfilled: int = 0
    """Of these, rows older than the visit before would have left."""
    rows_left: int = 0
    """Rows without a usable time, left in the meter."""
    clock_sets: int = 0


@dataclass(slots=True, kw_only=True)
class Visitor:
    """What is known of one meter from visit to visit."""

    link: MeterLink
    clock: Clock
    store: MeterStore
    priority: Priority
    registers: Registers = field(default_factory=Registers)
    layout: ProfileLayout | None = None
    counters: MeterCounters = field(default_factory=MeterCounters)
    verdict: ClockVerdict = ClockVerdict(state=ClockState.UNKNOWN)  # noqa: RUF009  (frozen)
    drift_s: float | None = None
    """The meter's clock minus ours, as last seen [s]."""

    @property
    def polled(self) -> tuple[MeterField, ...]:
        """Fields read as registers: all but those that the profile brings."""
        return tuple(f for f in self.link.fields if f.name not in self._profiled)

    @property
    def _profiled(self) -> frozenset[str]:
        if not self.link.dlms.profile or self.link.model.profile is None:
            return frozenset()
        wanted = [f for f in self.link.fields if f.in_profile]
        return frozenset(columns_of(self.layout, wanted) if self.layout is not None else (f.name for f in wanted))

    async def poll(self) -> tuple[dict[str, float | None], list[str]]:
        """The polled fields; raises as ``Registers.read``."""
        fields = self.polled
        if not fields:
            return {}, []
        return await self.link.run(self.priority, lambda client: self.registers.read(client, fields))

    async def check_clock(self) -> None:
        """Compares the meter's clock, and sets it where it is wrong and may be set.

        Raises:
            DeviceError: The meter does not answer.
        """
        obis = self.link.model.clock
        if obis is None:
            return
        how = self.link.dlms

        async def look(client: DlmsClient) -> None:
            try:
                stamp = await read_clock(client, obis)
            except (AccessRefused, DecodeError):
                self._judge(None, doubtful=False)
                return
            moment = stamp.utc(zone=self.link.zone, deviation_sign=how.deviation_sign)
            drift_s = None if moment is None else (moment - self.clock.now()).total_seconds()
            self._judge(drift_s, doubtful=stamp.doubtful)
            if self.verdict.set_now:
                now = self.clock.now().astimezone(self.link.zone or UTC)
                await set_clock(client, now, obis=obis, deviation_sign=how.deviation_sign)
                self.counters.clock_sets += 1
                log.warning("meter_clock_set", device=self.link.key, drift_s=round(drift_s or 0.0, 1))

        await self.link.run(Priority.READ_BACK, look)

    def _judge(self, drift_s: float | None, *, doubtful: bool) -> None:
        before, self.drift_s = self.verdict.state, drift_s
        self.verdict = judge_clock(drift_s, self.link.dlms, doubtful=doubtful)
        if self.verdict.state is ClockState.OFF and before is not ClockState.OFF:
            log.error("meter_clock_off", device=self.link.key, drift_s=drift_s, limit_s=self.link.dlms.clock_limit_s)

    async def fill(self) -> int:
        """Takes every row of the load profile that is not in the spool yet; returns how many.

        Raises:
            DeviceError: The meter does not answer, or refuses; what was taken before stays taken.
            DecodeError: A row is not what the layout says.
            sqlite3.Error: The disk refuses.
        """
        model = self.link.model.profile
        wanted = [f for f in self.link.fields if f.in_profile]
        if model is None or not wanted or not self.link.dlms.profile:
            return 0
        if self.layout is None:
            self.layout = await self.link.run(self.priority, lambda client: read_layout(client, model.obis))
        layout, places = self.layout, columns_of(self.layout, wanted)
        inside = [f for f in wanted if f.name in places]
        await self.link.run(self.priority, lambda client: self.registers.learn_scalers(client, inside))
        columns = {f.name: (places[f.name], f, self.registers.scalers.get(f.name)) for f in inside}
        if not columns:
            return 0
        cursor_ms, now, taken = await self.store.cursor_ms(self.link.key, model.obis), self.clock.now(), 0
        period_s = layout.period_s or model.period_s
        for first, last in windows(cursor_ms, now, backfill_days=self.link.dlms.backfill_days, period_s=period_s):
            rows = await self._rows(layout, first, last)
            found = take_rows(
                rows,
                device=self.link.key,
                columns=columns,
                after_ms=cursor_ms,
                now=now,
                zone=self.link.zone,
                deviation_sign=self.link.dlms.deviation_sign,
                trusted=self.verdict.trusted,
            )
            await self._keep(found, now, period_s)
            cursor_ms, taken = found.cursor_ms, taken + found.rows
        return taken

    async def _rows(self, layout: ProfileLayout, first: datetime, last: datetime) -> tuple[Row, ...]:
        zone, model = self.link.zone or UTC, self.link.model.profile
        assert model is not None  # noqa: S101  (only called where there is one)
        selection = by_time(first.astimezone(zone), last.astimezone(zone), deviation_sign=self.link.dlms.deviation_sign)
        return await self.link.run(
            self.priority, lambda client: read_profile(client, layout, selection, null_means=model.null_means)
        )

    async def _keep(self, found: Taken, now: datetime, period_s: int) -> None:
        """History first, then what is fresh, each with its own cursor: what dies between goes on between."""
        self.counters.rows_left += found.ahead + found.untimed
        if found.ahead or found.untimed:
            log.warning("profile_rows_left", device=self.link.key, ahead=found.ahead, untimed=found.untimed)
        if not found.readings or self.link.model.profile is None:
            return
        fresh_ms = int((now - timedelta(seconds=_LIVE_PERIODS * period_s)).timestamp() * 1000)
        for historical in (True, False):
            part = [r for r in found.readings if (r.time_ms < fresh_ms) is historical]
            if part:
                await self.store.take(
                    self.link.key, self.link.model.profile.obis, part, cursor_ms=part[-1].time_ms, historical=historical
                )
                rows = len({r.time_ms for r in part})
                self.counters.rows += rows
                self.counters.backfilled += rows if historical else 0
