"""What comes after a move: did the water follow, how many moves were there, and what gateways say of commands nobody sent."""

from __future__ import annotations

import pytest

from commands.alarms import MOST, AlarmGate, GatewayAlarm, read_alarm
from commands.desk import Desk
from commands.effect import Effect, Move, judge
from commands.settings import DeskSettings
from domain.setpoints import ALARM_PREFIX, Command, Reason, Refused, Verified
from tests.support.desk import OPERATOR, START
from tests.support.desk_house import PRV, House


class Watching(House):
    def __init__(self) -> None:
        self.effects: list[tuple[str, Effect]] = []
        self.alarms: list[GatewayAlarm] = []
        super().__init__()

    def new_desk(self, settings: DeskSettings | None = None) -> Desk:
        return Desk(
            inventory=self.site, store=self.store, two_people=self.two_people, view=self.valves, predictor=self.valves,
            sender=self.outbox, clock=self.clock, monotonic=self.clock.monotonic, wall=self.clock.now,
            settings=settings, on_effect=self.see, on_alarm=self.hear,
        )  # fmt: skip

    async def see(self, command: Command, effect: Effect) -> None:
        self.effects.append((command.command_id, effect))

    async def hear(self, alarm: GatewayAlarm) -> None:
        self.alarms.append(alarm)

    async def live(self, seconds: float) -> None:
        for _ in range(int(seconds / 100)):
            self.clock.pass_s(100)
            await self.desk.tick()


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (Move(before_m=40, value_m=38, outlet_before_m=40.1, outlet_m=38.2), Effect.CONFIRMED),
        (Move(before_m=40, value_m=38, outlet_before_m=40.1, outlet_m=39.0), Effect.CONFIRMED),
        (Move(before_m=40, value_m=38, outlet_before_m=40.1, outlet_m=40.0), Effect.MISSING),
        (Move(before_m=40, value_m=38, outlet_before_m=40.1, outlet_m=41.5), Effect.MISSING),
        (Move(before_m=40, value_m=39, outlet_before_m=40.0, outlet_m=39.6), Effect.MISSING),
        (Move(before_m=40, value_m=42, outlet_before_m=None, outlet_m=41.2), Effect.CONFIRMED),
        (Move(before_m=40, value_m=42, outlet_before_m=40, outlet_m=None), Effect.NOT_MEASURED),
        (Move(before_m=40, value_m=40.2, outlet_before_m=40, outlet_m=45), Effect.TOO_SMALL),
    ],
)
def test_the_outlet_says_whether_the_water_followed(move: Move, expected: Effect) -> None:
    assert judge(move) is expected


async def test_a_move_that_is_followed_is_confirmed_once() -> None:
    house = Watching()
    command = await house.executed()
    await house.answer()
    await house.live(1500)
    assert house.effects == [(command.command_id, Effect.CONFIRMED)]
    assert house.store.actions().count("effect") == 1


async def test_a_pressure_that_does_not_follow_is_told_and_the_command_stays_verified() -> None:
    house = Watching()
    command = await house.executed()
    assert isinstance(await house.answer(), Verified)
    original = house.valves.state

    async def stuck(actuator: str):
        from dataclasses import replace

        return replace(await original(actuator), outlet_m=40.0)

    house.valves.state = stuck
    await house.live(1100)
    assert house.effects == []
    await house.live(200)
    assert house.effects == [(command.command_id, Effect.MISSING)]
    assert [r.state for r in await house.store.commands() if r.command.command_id == command.command_id] == ["verified"]


async def test_after_its_moves_of_a_day_the_valve_is_not_lowered_and_still_raised() -> None:
    house = House()
    for _ in range(24):
        for value_m in (39.0, 40.0):
            await house.executed(value_m)
            await house.answer()
            house.clock.pass_s(250)
    refused = await house.desk.propose(OPERATOR, PRV, 39.0, "again")
    assert isinstance(refused, Refused)
    assert [r.code for r in refused.reasons] == ["move_budget"]
    assert refused.reasons[0].parameters == {"moves": 48.0, "limit": 48.0}
    assert isinstance(await house.executed(41.0), Command)
    await house.answer()
    house.clock.pass_s(86_400)
    assert isinstance(await house.executed(40.0), Command)


def alarm(code: str, claimed: str) -> Refused:
    return Refused(command_id=f"{ALARM_PREFIX}{code}:{claimed}", at=START, by="gw-1", reasons=(Reason(code=code, text="why"),))


async def test_an_alarm_ends_no_command_is_audited_and_told_once() -> None:
    house = Watching()
    command = await house.executed()
    for _ in range(3):
        await house.desk.on_outcome(alarm("bad_signature", command.command_id), "demo/gw-1")
    assert [a.code for a in house.alarms] == ["bad_signature"]
    assert house.store.actions().count("gateway_alarm") == 1
    assert await house.store.pending() == [command]
    assert isinstance(await house.answer(), Verified)


async def test_our_own_race_is_audited_and_wakes_nobody() -> None:
    house = Watching()
    command = await house.executed()
    await house.desk.on_outcome(alarm("old_owner", command.command_id), "demo/gw-1")
    await house.desk.on_outcome(alarm("old_owner", "from long ago"), "demo/gw-1")
    assert [a.claimed_id for a in house.alarms] == ["from long ago"]
    assert house.store.actions().count("gateway_alarm") == 2


def test_a_flood_is_counted_and_not_written_down() -> None:
    gate = AlarmGate()
    found = [read_alarm(alarm("bad_signature", f"x{i}"), "demo/gw-1") for i in range(1000)]
    assert sum(gate.passes(a, START) for a in found if a is not None) == MOST
    assert gate.suppressed == 1000 - MOST


def test_an_outcome_is_no_alarm() -> None:
    assert read_alarm(Verified(command_id="c1", at=START, readback_m=1.0), "demo/gw-1") is None
