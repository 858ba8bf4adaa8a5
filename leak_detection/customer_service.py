"""Leaks behind customers' meters in the running service: every meter that reports by the hour, a thousand at a time.

    parts of the store ─▶ hours of its meters ─▶ CustomerWatch, look by look ─▶ findings ─┐
           ▲                                                                               │
           └────────────── what the watch remembers, in the same transaction ◀─────────────┘

Between two looks nothing is held here: a restart, at whatever moment, neither forgets nor repeats, and memory does not grow with
the number of meters. Each look reads its five days anew, so late readings are used as soon as they are there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from domain.calendar import Calendar
from domain.customers import CustomerFinding
from domain.inventory import Inventory
from domain.points import Point, PointKey
from domain.ports import CustomerStore, SeriesSource, WatchPart
from domain.series import FloatArray
from leak_detection.customer_hours import HOUR_S, hourly_use, meter_swaps, watched_meters
from leak_detection.customer_leaks import CustomerLeak, CustomerWatch
from leak_detection.customer_settings import HISTORY_DAYS, TICK_H, WINDOW_H

LAG_S = 2 * HOUR_S
"""Meters on batteries report in batches: a look waits so long for its last hours."""
PART = 1000
"""Meters of a part."""
REOPEN = timedelta(days=7)
"""What begins again at a meter so soon after it stopped is the same leak."""
SILENT, GONE = "silent", "gone"
"""Notes of a finding: its meter says nothing now; its meter is not in the inventory any more."""
_SILENT_AFTER = timedelta(days=2)
_GIVEN_UP = timedelta(days=35)
_LOOK = timedelta(hours=TICK_H)


class CustomerService:
    """Watches the customers' meters of a site.

    Args:
        inventory: Points and devices.
        series: Where readings come from.
        store: Where findings and the watch's memory live.
        budget: Looks at a part in one call; what is left, as while the weeks before the first start are learnt, the next call does.
        part: Meters looked at together.
    """

    def __init__(
        self, inventory: Inventory, series: SeriesSource, store: CustomerStore, *, budget: int = 400, part: int = PART
    ) -> None:
        self._meters = {p.key: p for p in watched_meters(inventory)}
        self._swaps = meter_swaps(inventory)
        self._calendar = inventory.site.calendar
        self._series, self._store = series, store
        self._budget, self._size = budget, part
        self._done: datetime | None = None

    async def tick(self, now: datetime) -> tuple[CustomerFinding, ...]:
        """Looks at every window that has become complete; findings that are new or have changed, already saved."""
        mark = _mark(now)
        if self._done == mark or not self._meters:
            return ()
        recent = await self._store.customer_findings(ended_since=now - REOPEN)
        by_meter = {f.meter: f for f in sorted(recent, key=lambda f: (f.open, f.ended_at or f.seen_at))}
        changed: list[CustomerFinding] = []
        left = self._budget
        parts = [*await self._store.parts()]
        parts += self._new_parts(parts, mark)
        for part in parts:
            if part.looked_at >= mark:
                continue
            if left <= 0:
                return tuple(changed)
            found, looks = await self._catch_up(part, mark, by_meter)
            changed += found
            left -= looks
        self._done = mark
        return tuple(changed)

    def _new_parts(self, parts: Sequence[WatchPart], mark: datetime) -> list[WatchPart]:
        """Parts for the meters that stand in none yet; weeks back, so that they know their past when they first speak."""
        known = {m for p in parts for m in p.meters}
        new = [m for m in self._meters if m not in known]
        first = max((p.number for p in parts), default=0) + 1
        begin = mark - timedelta(days=HISTORY_DAYS)
        chunks = (tuple(new[k : k + self._size]) for k in range(0, len(new), self._size))
        return [WatchPart(number=first + k, looked_at=begin, meters=meters) for k, meters in enumerate(chunks)]

    async def _catch_up(
        self, part: WatchPart, mark: datetime, known: Mapping[PointKey, CustomerFinding]
    ) -> tuple[list[CustomerFinding], int]:
        """Every look of a part up to ``mark``, saved; findings that have changed, and how many looks there were."""
        state = await self._store.state(part.number)
        since = part.looked_at
        other = state is not None and not CustomerWatch.understands(state, len(part.meters))  # an older version's
        if other or since < mark - timedelta(days=HISTORY_DAYS):  # or a stop longer than what is remembered
            state, since = None, mark - timedelta(days=HISTORY_DAYS)
        watch = CustomerWatch(part.meters, state=state)
        looks = round((mark - since) / _LOOK)
        use = await self._use(part.meters, since, looks)
        book = _Book({m: known[m] for m in part.meters if m in known}, self._meters)
        learning = state is None
        for k in range(looks):
            at = since + (k + 1) * _LOOK
            window = use[:, k * TICK_H : k * TICK_H + WINDOW_H]
            told, over = watch.step(round(at.timestamp() / HOUR_S), window, _local_hour(self._calendar, at))
            # What the weeks before the first start show is told now: nothing is back-dated.
            heard = {m for m, row in zip(part.meters, window[:, -TICK_H:], strict=True) if np.isfinite(row).any()}
            book.look(told, over, heard, at, at if not learning else mark)
        changed = book.changed(mark)
        await self._store.save_look(replace(part, looked_at=mark), watch.state(), changed)
        return changed, looks

    async def _use(self, meters: Sequence[PointKey], since: datetime, looks: int) -> FloatArray:
        """Hours of the meters from the first look's window to the last [L/h], shape (M, H)."""
        hours = WINDOW_H + looks * TICK_H - TICK_H
        start_s = since.timestamp() + TICK_H * HOUR_S - WINDOW_H * HOUR_S
        points: list[Point] = [self._meters[m] for m in meters if m in self._meters]
        found = await hourly_use(self._series, points, self._swaps, start_s=start_s, hours=hours)
        nothing = np.full(hours, np.nan)
        return np.stack([found.get(m, nothing) for m in meters])


class _Book:
    """Findings of some meters during their looks: one leak stays one finding, though it stops for a while or grows."""

    def __init__(self, known: Mapping[PointKey, CustomerFinding], points: Mapping[PointKey, Point]) -> None:
        self._before, self._now, self._points = known, dict(known), points
        self._replaced: list[CustomerFinding] = []

    def look(
        self, told: Iterable[CustomerLeak], over: Iterable[str], heard: Collection[PointKey], at: datetime, issued: datetime
    ) -> None:
        """Takes what a look at ``at`` says, and which meters have said anything since the one before."""
        for meter in over:
            found = self._now.get(PointKey(meter))
            if found is not None and found.open:
                self._now[found.meter] = replace(found, ended_at=at)
        for leak in told:
            self._take(leak, at, issued)
        for meter, found in self._now.items():
            if found.open:
                self._now[meter] = _still(found, at, heard=meter in heard, there=meter in self._points)

    def _take(self, leak: CustomerLeak, at: datetime, issued: datetime) -> None:
        meter = PointKey(leak.meter)
        since = datetime.fromtimestamp(leak.since_h * HOUR_S, UTC)
        flow, usual = round(leak.flow_l_h / 1000, 4), round(leak.usual_l_h / 1000, 4)
        found = self._now.get(meter)
        if found is not None and (found.ended_at is None or since - found.ended_at <= REOPEN):
            # Ended and told in one look: a sudden flow goes beyond the leak that ran.
            again = found.ended_at is not None and found.ended_at < at
            self._now[meter] = replace(
                found, kind=leak.kind, flow_m3h=flow, usual_m3h=usual, seen_at=at, ended_at=None, reopened=found.reopened + again
            )
            return
        if found is not None:
            self._replaced.append(found)
        zone = self._points[meter].zone if meter in self._points else None
        self._now[meter] = CustomerFinding(
            key=f"customer:{meter}:{issued:%Y-%m-%dT%H:%MZ}",
            meter=meter,
            zone=zone or "",
            kind=leak.kind,
            since=since,
            found_at=issued,
            flow_m3h=flow,
            usual_m3h=usual,
            lasted_h=leak.found_h - leak.since_h,
            seen_at=at,
        )

    def changed(self, mark: datetime) -> list[CustomerFinding]:
        """What is to be saved after the look at ``mark``; what was over before a first start is no news."""
        return [f for f in (*self._replaced, *self._now.values()) if self._is_news(f, mark)]

    def _is_news(self, found: CustomerFinding, mark: datetime) -> bool:
        before = self._before.get(found.meter)
        if before is not None and before.key == found.key:
            return before != found
        return found.open or found.found_at < mark


def _still(found: CustomerFinding, at: datetime, *, heard: bool, there: bool) -> CustomerFinding:
    notes = [n for n in found.notes if n not in (SILENT, GONE)]
    if heard:
        return replace(found, seen_at=at, notes=tuple(notes))
    silent = at - found.seen_at
    if not there or silent > _GIVEN_UP:
        return replace(found, ended_at=at, notes=(*notes, SILENT if there else GONE))
    return replace(found, notes=(*notes, SILENT)) if silent >= _SILENT_AFTER else found


def _mark(now: datetime) -> datetime:
    look_s = _LOOK.total_seconds()
    return datetime.fromtimestamp((now.timestamp() - LAG_S) // look_s * look_s, UTC)


def _local_hour(calendar: Calendar, at: datetime) -> int:
    return calendar.local(at).hour
