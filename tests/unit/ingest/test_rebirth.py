"""When births are asked for, and when an alias is given up."""

from __future__ import annotations

from domain.delivery import Stream
from ingest import rebirth
from ingest.rebirth import Rebirths

STREAM = Stream(edge="g/n", epoch=7)


def test_each_gateway_is_asked_at_most_once_a_period() -> None:
    rebirths = Rebirths(every_s=5.0)
    asked = [rebirths.ask("g/n", t) for t in (100.0, 100.1, 104.9, 105.0, 105.1)]
    assert asked == [True, False, False, True, False]
    assert rebirths.ask("g/m", 100.2)


def test_a_device_birth_after_the_question_settles_it() -> None:
    rebirths = Rebirths(every_s=5.0)
    assert not rebirths.wait_for(STREAM, "d")
    rebirths.node_born("g/n")
    rebirths.device_born(STREAM, "other")
    rebirths.device_born(Stream(edge="g/n", epoch=8), "d")
    assert not rebirths.wait_for(STREAM, "d"), "not this device's birth, or not this epoch's"
    rebirths.device_born(STREAM, "d")
    assert rebirths.wait_for(STREAM, "d")


def test_a_birth_before_the_question_settles_nothing() -> None:
    rebirths = Rebirths(every_s=5.0)
    rebirths.device_born(STREAM, "d")
    assert not rebirths.wait_for(STREAM, "d")
    assert not rebirths.wait_for(STREAM, "d")


def test_a_device_that_is_never_born_is_given_up_after_two_node_births() -> None:
    rebirths = Rebirths(every_s=5.0)
    rebirths.wait_for(STREAM, "d")
    rebirths.node_born("g/n")
    assert not rebirths.wait_for(STREAM, "d")
    rebirths.node_born("g/other")
    assert not rebirths.wait_for(STREAM, "d")
    rebirths.node_born("g/n")
    assert rebirths.wait_for(STREAM, "d")


def test_an_explained_device_starts_anew() -> None:
    rebirths = Rebirths(every_s=5.0)
    rebirths.wait_for(STREAM, "d")
    rebirths.device_born(STREAM, "d")
    rebirths.explained(STREAM, "d")
    assert not rebirths.wait_for(STREAM, "d")


def test_the_list_of_those_that_wait_is_bounded() -> None:
    rebirths = Rebirths(every_s=5.0)
    for i in range(rebirth.WAITING_KEPT + 1):
        rebirths.wait_for(STREAM, f"d{i}")
    rebirths.device_born(STREAM, "d0")
    assert not rebirths.wait_for(STREAM, "d0"), "the oldest was forgotten, so its birth was not noted"
