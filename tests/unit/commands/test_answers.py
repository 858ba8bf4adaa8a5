"""One outcome a command, whoever answers, however often and however late."""

from __future__ import annotations

import pytest

from domain.setpoints import Expired, Unknown, Verified
from tests.support.desk import START
from tests.support.desk_house import House


@pytest.fixture
def house() -> House:
    return House()


async def test_an_outcome_counts_once(house: House) -> None:
    command = await house.executed()
    await house.answer()
    await house.answer()
    await house.desk.on_outcome(Expired(command_id=command.command_id, at=START))
    await house.desk.on_outcome(Expired(command_id="never heard of", at=START))
    assert isinstance(await house.desk.wait(command.command_id, 0.01), Verified)
    assert house.store.actions().count("verified") == 1
    assert house.concluded == [(command.command_id, "verified")]
    assert "expired" not in house.store.actions()


async def test_an_answer_from_a_gateway_that_was_not_asked_is_not_believed(house: House) -> None:
    command = await house.executed()
    for _ in range(3):
        await house.desk.on_outcome(Verified(command_id=command.command_id, at=START, readback_m=39.0), "demo/gw-9")
    assert house.store.actions()[-2:] == ["command", "foreign_answer"]
    assert await house.desk.wait(command.command_id, 0.01) is None
    await house.answer()
    assert isinstance(await house.desk.wait(command.command_id, 0.01), Verified)


async def test_silence_ends_unknown_once_and_a_late_answer_is_noted_once(house: House) -> None:
    command = await house.executed()
    house.clock.pass_s(719)
    await house.desk.tick()
    assert await house.desk.wait(command.command_id, 0.01) is None
    house.clock.pass_s(1)
    await house.desk.tick()
    await house.desk.tick()
    assert isinstance(await house.desk.wait(command.command_id, 0.01), Unknown)
    assert house.store.actions().count("unknown") == 1
    assert house.concluded == [(command.command_id, "unknown")]
    late = Verified(command_id=command.command_id, at=START, readback_m=39.0)
    await house.desk.on_outcome(late, "demo/gw-1")
    await house.desk.on_outcome(late, "demo/gw-1")
    assert house.store.actions().count("late_answer") == 1
    assert (await house.store.commands())[0].state == "unknown"
