"""A burst behind a meter is told within a day or two; what people let run on purpose is not, or once at most."""

import numpy as np
import pytest

from domain.customers import CustomerKind
from leak_detection.customer_leaks import CustomerWatch, find_customer_leaks
from leak_detection.customer_settings import TICK_H, WINDOW_H

HOURS, DAY = 60 * 24, 40
"""The day on which something happens."""


def _home(seed=1, people=3):
    rng = np.random.default_rng(seed)
    clock = np.arange(HOURS) % 24
    events = rng.poisson(people * 0.7 * np.where((clock > 5) & (clock < 23), 1.3, 0.12))
    return np.floor(np.where(events > 0, rng.gamma(2.2 * np.maximum(events, 1), 3.0), 0.0))


def _with(flow_l_h, hour, lasts_h, seed=1, day=DAY):
    """A home at which so much runs from an hour of a day on."""
    use, rng = _home(seed), np.random.default_rng(seed + 100)
    start = day * 24 + hour
    use[start : start + lasts_h] += flow_l_h * np.exp(rng.normal(0, 0.05, lasts_h))
    return use


def _told(*meters):
    return find_customer_leaks(np.stack(meters, axis=1), tuple(f"m{k}" for k in range(len(meters))))


@pytest.mark.parametrize(("flow", "hour", "within"), [(300, 2, 18), (1200, 23, 18), (900, 14, 84), (6000, 11, 18), (250, 14, 36)])
def test_a_burst_is_told_with_its_flow_and_its_hour_and_is_over_when_it_stops(flow, hour, within):
    (leak,) = _told(_with(flow, hour, 90))
    start = DAY * 24 + hour
    assert leak.kind is CustomerKind.SUDDEN
    assert start + 12 <= leak.found_h <= start + within
    assert abs(leak.since_h - start) <= 1
    assert 0.8 * flow < leak.flow_l_h < 1.2 * flow
    assert start + 90 < leak.end_h <= start + 90 + 2 * TICK_H


def test_an_empty_house_is_told_too():
    use = np.zeros(HOURS)
    use[DAY * 24 + 3 :] = 800.0
    assert [leak.kind for leak in _told(use)] == [CustomerKind.SUDDEN]


def test_by_day_too_a_burst_in_a_house_where_nobody_is_is_told_at_once():
    use = _with(900, 14, 60)
    use[DAY * 24 - 60 : DAY * 24 + 14] = 0.0
    (leak,) = _told(use)
    assert leak.found_h <= DAY * 24 + 14 + 18


@pytest.mark.parametrize(("empty_h", "told"), [(60, 1), (30, 0), (0, 0)])
def test_a_day_of_flow_by_day_is_a_burst_in_a_house_that_was_empty_for_two_days_and_a_hose_in_another(empty_h, told):
    use, start = _with(900, 14, 22), DAY * 24 + 14
    use[:start] += 1.0  # else some nights of this home are empty hours, too
    use[start - empty_h : start] = 0.0
    assert len(_told(use)) == told


def test_a_house_whose_meter_said_nothing_for_two_days_is_not_known_to_be_empty():
    use, start = _with(900, 14, 22), DAY * 24 + 14
    use[start - 60 : start - 10], use[start - 10 : start] = np.nan, 0.0
    assert _told(use) == ()


@pytest.mark.parametrize(("ran_l_h", "told"), [(0.0, 1), (600.0, 1), (1200.0, 0)])
def test_a_night_of_large_flow_is_a_burst_but_where_as_much_ran_before_for_an_hour(ran_l_h, told):
    use = _with(1200, 23, 20)
    use[(DAY - 9) * 24 + 18 : (DAY - 9) * 24 + 20] += ran_l_h
    assert len(_told(use)) == told


def test_a_flow_that_a_tap_lets_through_is_a_burst_by_night_though_as_much_ran_before():
    """Below 1,000 L/h an hour of as much is any shower and garden; beyond, it is what people turn on."""
    use = _with(800, 23, 20)
    use[(DAY - 9) * 24 + 18 : (DAY - 9) * 24 + 20] += 800
    assert len(_told(use)) == 1


def test_a_large_pool_and_one_by_a_thin_hose_are_no_bursts_and_a_burst_goes_on_longer():
    assert _told(_with(1000, 9, 66), _with(330, 9, 70)) == ()
    assert len(_told(_with(1000, 9, 90), _with(330, 9, 100))) == 2


LOOK_ALIKES = {
    "a pool by the hose": [_with(1000, 9, 50, seed=k) for k in range(4)] + [_with(600, 16, 60, seed=9)],
    "a garden watered at night": [sum(_with(700, 22, 7, seed=k, day=d) for d in range(DAY, DAY + 14)) for k in range(4)],
    "a tank filled after a cut": [_with(500, 1, 6, seed=k) for k in range(4)],
    "a fire": [_with(30_000, 3, 5, seed=k) for k in range(3)],
    "a wedding": [_with(250, 17, 9, seed=k) for k in range(4)],
}


@pytest.mark.parametrize("what", LOOK_ALIKES)
def test_what_people_let_run_is_no_burst(what):
    assert _told(*LOOK_ALIKES[what]) == ()


def test_a_shop_that_opens_again_is_no_burst():
    rng = np.random.default_rng(8)
    shop = np.where(np.arange(HOURS) < DAY * 24, 0.0, np.floor(rng.gamma(3.0, 220.0, HOURS)))
    assert [leak for leak in _told(shop) if leak.found_h < (DAY + 4) * 24] == []


def test_what_runs_every_week_is_told_once_and_known_then():
    use = sum(_with(900, 22, 16, day=day) for day in (20, 27, 34, 41, 48, 55))
    assert len(_told(use)) == 1


def test_a_meter_that_nobody_knows_yet_tells_nothing():
    assert _told(_with(900, 2, 30, day=6)) == ()


def test_a_burst_beside_a_leak_that_drips_is_told_and_ends_alone():
    use = _with(1500, 2, 40)
    use[20 * 24 :] += 25
    told = _told(use)
    assert [leak.kind.value for leak in told] == ["continuous", "sudden", "continuous"]
    assert told[0].end_h == told[1].found_h, "one is told at a time"
    assert told[1].end_h <= DAY * 24 + 2 + 40 + 2 * TICK_H


def test_a_watch_that_was_packed_away_goes_on_as_if_it_had_not_been():
    use = np.stack([_with(900, 14, 90), _with(40, 3, 400), _home(3)], axis=1)
    whole, packed, seen = CustomerWatch(("a", "b", "c")), CustomerWatch(("a", "b", "c")), []
    for end in range(WINDOW_H, HOURS, TICK_H):
        window = use[end - WINDOW_H : end].T
        packed = CustomerWatch(("a", "b", "c"), state=packed.state())
        seen.append((whole.step(end, window), packed.step(end, window)))
    assert all(one == other for one, other in seen)
    assert sorted(leak.meter for (told, _), _ in seen for leak in told) == ["a", "b"]
    with pytest.raises(ValueError, match="for 2 meters"):
        CustomerWatch(("a", "b"), state=whole.state())
