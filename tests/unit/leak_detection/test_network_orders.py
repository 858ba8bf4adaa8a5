"""Turned valves in the service: asked about once, said once when new and not ordered, shown for weeks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.valves import ValveTurned
from leak_detection.network_orders import KEPT, TurnedValves, in_words

_DAY = timedelta(days=1)
_LEARNT = datetime(2026, 5, 1, 23, 0, tzinfo=UTC)
_LOCAL = ZoneInfo("Africa/Casablanca")
_TURNED = ValveTurned(
    valve="PRV-1", day=_LEARNT + _DAY, told_at=_LEARNT + 3 * _DAY, change_m=0.8, error_m=0.12, share=0.99
)  # fmt: skip


class Orders:
    """Orders at some moments; may fail."""

    def __init__(self, **at: datetime) -> None:
        self.at, self.asked, self.broken = at, 0, False

    async def ordered(self, actuator: str, since: datetime, until: datetime) -> bool:
        if self.broken:
            raise ConnectionError("no database")
        self.asked += 1
        return actuator in self.at and since <= self.at[actuator] < until


async def _take(valves: TurnedValves, *turned: ValveTurned, until: datetime = _LEARNT + 4 * _DAY) -> list[str]:
    said: list[str] = []
    await valves.take(turned, until, _LEARNT, said.append)
    return said


async def test_what_nobody_ordered_is_said_once_and_shown() -> None:
    orders = Orders()
    valves = TurnedValves({"PRV-1": "prv_medina"}, orders, _LOCAL)
    assert await _take(valves, _TURNED) == ["valve PRV-1 was turned by +0.8 ± 0.1 m on 2026-05-03, not through Khettara"]
    assert await _take(valves, _TURNED) == []
    assert valves.newest == (replace(_TURNED, ordered=False),)
    assert orders.asked == 1


@pytest.mark.parametrize(("days", "ordered"), [(-1.1, False), (-0.9, True), (0.5, True), (1.9, True), (2.1, False)])
async def test_what_was_ordered_about_that_day_is_shown_and_not_said(days: float, ordered: bool) -> None:
    valves = TurnedValves({"PRV-1": "prv_medina"}, Orders(prv_medina=_TURNED.day + days * _DAY), _LOCAL)
    assert bool(await _take(valves, _TURNED)) is not ordered
    assert [turned.ordered for turned in valves.newest] == [ordered]


async def test_a_valve_that_nobody_steers_was_not_ordered_and_where_that_is_unknown_nothing_is_claimed() -> None:
    orders = Orders(other=_TURNED.day)
    assert await _take(valves := TurnedValves({"PRV-9": "other"}, orders, _LOCAL), _TURNED)
    assert valves.newest[0].ordered is False
    for unknown in (TurnedValves(None, orders, _LOCAL), TurnedValves({"PRV-1": "other"}, None, _LOCAL)):
        assert await _take(unknown, _TURNED) == ["valve PRV-1 was turned by +0.8 ± 0.1 m on 2026-05-03"]
        assert unknown.newest[0].ordered is None
    assert orders.asked == 0


async def test_what_was_told_before_the_layer_was_new_is_shown_and_not_said() -> None:
    valves = TurnedValves({}, Orders(), _LOCAL)
    old = replace(_TURNED, day=_LEARNT - 9 * _DAY, told_at=_LEARNT)
    assert await _take(valves, old) == []
    assert len(valves.newest) == 1


async def test_the_newest_stands_first_and_after_some_weeks_none_is_shown() -> None:
    valves = TurnedValves({}, Orders(), _LOCAL)
    later = replace(_TURNED, day=_TURNED.day + _DAY, told_at=_TURNED.told_at + _DAY)
    await _take(valves, _TURNED, later)
    assert [turned.day for turned in valves.newest] == [later.day, _TURNED.day]
    assert await _take(valves, _TURNED, later, until=_TURNED.day + KEPT + 0.5 * _DAY) == []
    assert [turned.day for turned in valves.newest] == [later.day]


async def test_a_database_that_fails_says_nothing_twice() -> None:
    orders = Orders()
    valves, other = TurnedValves({"PRV-2": "prv"}, orders, _LOCAL), replace(_TURNED, valve="PRV-2")
    orders.broken = True
    with pytest.raises(ConnectionError):
        await _take(valves, _TURNED, other)
    orders.broken = False
    assert [words.split()[1] for words in await _take(valves, _TURNED, other)] == ["PRV-2"]


def test_without_a_size_the_words_claim_none() -> None:
    unknown = replace(_TURNED, change_m=None, error_m=None)
    assert in_words(unknown, _LOCAL) == "valve PRV-1 was turned on 2026-05-03"
