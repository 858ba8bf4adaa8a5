"""Which command is published when."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from commands.outbox import Outbox
from domain.setpoints import Command
from tests.support.desk import START, any_command


def command(number: int, *, gateway: str = "demo/gw-1", actuator: str = "prv_medina", token: int = 1, ttl_s: int = 600) -> Command:
    return any_command(
        command_id=f"c{number}",
        counter=number,
        gateway=gateway,
        actuator=actuator,
        owner_token=token,
        expires_at=START + timedelta(seconds=ttl_s),
    )


def ids(commands: tuple[Command, ...]) -> list[str]:
    return [c.command_id for c in commands]


def test_a_command_is_repeated_until_it_is_answered() -> None:
    box = Outbox(republish_s=5.0)
    box.add(command(1))
    assert [ids(box.due(START, s)) for s in (0.0, 4.9, 5.0, 6.0, 10.0)] == [["c1"], [], ["c1"], [], ["c1"]]
    box.drop("c1")
    assert ids(box.due(START, 20.0)) == []


def test_after_a_new_connection_it_is_published_at_once() -> None:
    box = Outbox(republish_s=5.0)
    box.add(command(1))
    box.due(START, 0.0)
    box.publish_again()
    assert ids(box.due(START, 0.1)) == ["c1"]


def test_an_expired_command_is_never_published() -> None:
    box = Outbox(republish_s=5.0)
    box.add(command(1, ttl_s=600))
    assert ids(box.due(START + timedelta(seconds=600), 0.0)) == []
    assert len(box) == 0


def test_a_gateway_gets_one_at_a_time_in_the_order_of_counters_and_gateways_do_not_wait_for_one_another() -> None:
    box = Outbox(republish_s=5.0)
    for c in (command(2, actuator="prv_plateau"), command(1), command(3, gateway="demo/gw-2")):
        box.add(c)
    assert sorted(ids(box.due(START, 0.0))) == ["c1", "c3"]
    box.drop("c1")
    assert ids(box.due(START, 0.1)) == ["c2"]


def test_the_order_of_a_new_owner_goes_first() -> None:
    box = Outbox(republish_s=5.0)
    box.add(command(1, token=1))
    box.due(START, 0.0)
    box.add(command(2, token=2))
    assert ids(box.due(START, 0.1)) == ["c2"]
    box.drop("c2")
    assert ids(box.due(START, 5.0)) == ["c1"]  # and gets its refusal


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["demo/1", "demo/2"]), st.integers(1, 3), st.integers(1, 900)),
        max_size=8,
    ),
    st.integers(0, 1000),
)
def test_whatever_waits_at_most_one_a_gateway_leaves_and_none_past_its_time(
    rows: list[tuple[str, str, int, int]], later_s: int
) -> None:
    box = Outbox(republish_s=5.0)
    for number, (actuator, gateway, token, ttl_s) in enumerate(rows, 1):
        box.add(command(number, gateway=gateway, actuator=actuator, token=token, ttl_s=ttl_s))
    now = START + timedelta(seconds=later_s)
    due = box.due(now, 0.0)
    assert len({c.gateway for c in due}) == len(due)
    assert all(now < c.expires_at for c in due)
    alive = {gateway for _, gateway, _, ttl_s in rows if ttl_s > later_s}
    assert {c.gateway for c in due} == alive
