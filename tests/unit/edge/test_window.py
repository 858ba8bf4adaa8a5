"""The window bounds what is on its way and sends again what stays away too long."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import SequenceRange
from edge.readings import BlockHead, Lane
from edge.window import Window


def head(first: int, lane: Lane = Lane.LIVE) -> BlockHead:
    return BlockHead(range=SequenceRange(first=first, last=first), device="m", lane=lane, historical=lane is Lane.BACKLOG)


@pytest.mark.parametrize(("one", "other"), [(Lane.BACKLOG, Lane.LIVE), (Lane.LIVE, Lane.BACKLOG)])
def test_each_lane_leaves_room_for_the_other(one: Lane, other: Lane) -> None:
    window = Window(size=8, resend_s=1.0)
    for first in range(window.room(one)):
        window.sent(head(first + 1, one), 0.0)
    assert (len(window), window.room(one), window.room(other)) == (4, 0, 4)
    for first in range(4):
        window.sent(head(first + 100, other), 0.0)
    assert window.room(other) == 0


def test_without_live_share_the_backlog_takes_all() -> None:
    assert Window(size=8, resend_s=1.0, live_share=0.0).room(Lane.BACKLOG) == 8


def test_a_block_that_receipts_do_not_name_gives_up_its_place_unless_there_are_none() -> None:
    for receipts in (False, True):
        window, now, sent = Window(size=2, resend_s=1.0), 0.0, 0
        window.sent(head(1), now)
        while sent < 6 and len(window):
            now += 0.5
            if receipts:
                window.acked([], now)
            for again in window.due(now):
                window.sent(again, now)
                sent += 1
        assert (len(window), sent) == ((0, 3) if receipts else (1, 6))


def test_a_block_is_due_after_its_time_and_waits_longer_each_time() -> None:
    window = Window(size=8, resend_s=1.0)
    window.sent(head(1), 0.0)
    assert window.due(0.99) == []
    assert [h.first for h in window.due(1.0)] == [1]
    window.sent(head(1), 1.0)
    assert window.due(2.9) == []
    assert [h.first for h in window.due(3.0)] == [1]


def test_while_others_arrive_a_block_waits_but_not_for_ever() -> None:
    window = Window(size=8, resend_s=1.0)
    window.sent(head(1), 0.0)
    for i in range(2, 40):
        now = i * 0.1
        window.sent(head(i), now)
        window.acked([i], now)
        assert bool(window.due(now)) is (now >= 3.0)


def test_after_a_reconnect_everything_is_due_in_shuffled_order() -> None:
    window = Window(size=64, resend_s=1.0, random=Random(1))
    for first in range(1, 41):
        window.sent(head(first), 5.0)
    window.acked([7, 8], 5.0)
    window.reconnected()
    due = [h.first for h in window.due(5.0)]
    assert sorted(due) == [i for i in range(1, 41) if i not in (7, 8)]
    assert due != sorted(due)
    assert window.next_due() <= 5.0


@given(st.lists(st.tuples(st.sampled_from(["send", "ack", "forget", "reconnect"]), st.integers(1, 30), st.sampled_from(Lane))))
def test_never_more_than_the_window_and_next_due_tells_the_truth(steps: list[tuple[str, int, Lane]]) -> None:
    window, now = Window(size=6, resend_s=1.0), 0.0
    for what, first, lane in steps:
        now += 0.3
        match what:
            case "send":
                if first in window or window.room(lane) > 0:
                    window.sent(head(first, lane), now)
            case "ack":
                window.acked([first], now)
            case "forget":
                window.forget(first)
            case _:
                window.reconnected()
        assert len(window) <= 6
        assert window.in_flight(Lane.BACKLOG) + window.in_flight(Lane.LIVE) == len(window)
        assert bool(window.due(now)) is (window.next_due() <= now)


def test_the_longest_wait_counts_from_the_first_sending() -> None:
    window = Window(size=8, resend_s=1.0)
    assert window.oldest_wait(5.0) == 0.0
    window.sent(head(1), 5.0)
    window.sent(head(2), 8.0)
    window.sent(head(1), 9.0)
    window.reconnected()
    window.sent(head(1), 10.0)
    assert window.oldest_wait(11.0) == 6.0
    window.acked([1], 11.0)
    assert window.oldest_wait(11.0) == 3.0
