"""What is known of an actuator, from the newest readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from commands.arbitration import change, first_row
from commands.view import CurrentActuators
from domain.points import PointKey
from domain.readings import Quality, Reading
from domain.series import Series
from domain.setpoints import Mode
from tests.support.command_store import MemoryCommandStore
from tests.support.desk import START, small_site


@dataclass
class Readings:
    """``SeriesSource`` with fixed newest readings."""

    rows: dict[PointKey, Reading]

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        return {p: self.rows[p] for p in points if p in self.rows}

    async def series(
        self, points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        raise NotImplementedError


def reading(point: str, value: float | None, age_s: float, quality: Quality = Quality.GOOD) -> Reading:
    return Reading(point=PointKey(point), observed_at=START - timedelta(seconds=age_s), value=value, quality=quality)


def view(store: MemoryCommandStore, *readings: Reading) -> CurrentActuators:
    return CurrentActuators(inventory=small_site(), source=Readings({r.point: r for r in readings}), store=store)


async def test_the_oldest_reading_used_dates_the_state() -> None:
    store = MemoryCommandStore()
    row = change(first_row("prv_medina"), mode=Mode.MANUAL, owner="amina", until=START)
    await store.set_mode(row, actor="amina", at=START, reason="works")
    known = view(store, reading("medina.setpoint", 40.0, 90), reading("medina.outlet", 39.5, 30, Quality.SUSPECT))
    known.note_advice("prv_medina", 38.0, "night")
    state = await known.state("prv_medina")
    assert (state.setpoint_m, state.outlet_m, state.flow_m3h) == (40.0, 39.5, None)
    assert state.observed_at == START - timedelta(seconds=90)
    assert (state.mode, state.owner, state.owner_token, state.advice_m) == (Mode.MANUAL, "amina", 2, 38.0)


async def test_a_bad_reading_counts_as_none() -> None:
    state = await view(MemoryCommandStore(), reading("medina.setpoint", 40.0, 10, Quality.BAD)).state("prv_medina")
    assert (state.setpoint_m, state.observed_at, state.mode) == (None, None, Mode.ADVISORY)
