"""Flow that never stops behind a meter is found within days; what tanks, hotels, cooling and softeners do is not it."""

import numpy as np
import pytest

from leak_detection.customer_leaks import CustomerWatch, find_customer_leaks
from leak_detection.customer_settings import TICK_H, WINDOW_H, CustomerSettings

HOURS = 80 * 24
START = 40 * 24


def _home(seed=1, hours=HOURS, people=3):
    """Events of a household by the hour, few at night."""
    rng = np.random.default_rng(seed)
    clock = np.arange(hours) % 24
    events = rng.poisson(people * 0.7 * np.where((clock > 5) & (clock < 23), 1.3, 0.12))
    return np.floor(np.where(events > 0, rng.gamma(2.2 * np.maximum(events, 1), 3.0), 0.0))


def _through_float_valve(use, rate=0.15, least=6.0):
    """What the meter sees of a tank that is filled the slower the fuller it is."""
    out, missing = np.zeros(use.size), 0.0
    for hour, drawn in enumerate(use):
        missing += drawn
        flow = min(350.0, rate * missing)
        out[hour] = 0.0 if flow < least else flow
        missing -= out[hour]
    return np.floor(out)


def _leaks(*meters):
    return find_customer_leaks(np.stack(meters, axis=1), tuple(f"m{k}" for k in range(len(meters))))


@pytest.mark.parametrize(("flow", "within"), [(4.0, 168), (12.0, 130), (40.0, 80), (900.0, 80)])
def test_a_leak_is_found_with_its_flow_its_hour_and_its_end(flow, within):
    use = _home()
    use[START : START + 400] += flow
    (leak,) = _leaks(use)
    assert START < leak.found_h <= START + within
    assert flow <= leak.flow_l_h < 1.1 * flow + 2
    assert abs(leak.since_h - START) <= 12
    assert START + 400 < leak.end_h <= START + 400 + 24 + TICK_H


def test_a_large_family_that_is_up_all_night_has_no_leak():
    assert _leaks(*(_home(seed=k, people=9) for k in range(12))) == ()


def test_a_tank_that_fills_ever_slower_is_no_leak_and_a_leak_behind_it_is_one():
    tanks = [_through_float_valve(_home(seed=k, people=4), rate=0.12) for k in range(12)]
    assert _leaks(*tanks) == ()
    tanks[3][START:] += 30
    assert [leak.meter for leak in _leaks(*tanks)] == ["m3"]


def test_a_hotel_never_rests_and_is_judged_by_what_it_always_uses():
    rng = np.random.default_rng(4)
    hotel = (400 + 300 * np.sin(2 * np.pi * np.arange(HOURS) / 24) ** 2) * np.exp(rng.normal(0, 0.05, HOURS))
    assert _leaks(hotel) == ()
    hotel[START:] += 350
    (leak,) = _leaks(hotel)
    assert START < leak.found_h <= START + 168


def test_cooling_that_begins_with_the_warm_days_is_no_leak():
    rng = np.random.default_rng(5)
    day = np.repeat(np.clip((np.arange(HOURS // 24) - 30) / 40 + rng.normal(0, 0.12, HOURS // 24), 0, 1), 24)
    load = day * (0.7 + 0.3 * np.cos(2 * np.pi * (np.arange(HOURS) - 15) / 24)) * np.exp(rng.normal(0, 0.12, HOURS))
    assert _leaks(*(_home(seed=k) + np.floor(150 * load) for k in range(6))) == ()


def test_softeners_and_gardens_at_night_stop_every_day():
    clock = np.arange(HOURS) % 24
    softener = _home() + np.where(((clock == 2) | (clock == 3)) & (np.arange(HOURS) // 24 % 3 == 0), 90, 0)
    garden = _home(seed=2) + np.where((clock >= 20) | (clock < 7), 40, 0)
    assert _leaks(softener, garden) == ()


def test_a_register_that_counts_by_ten_litres_shows_a_leak_by_more_hours():
    use = _home()
    use[START:] += 16
    register = np.floor(np.cumsum(use) / 10) * 10
    (leak,) = _leaks(np.diff(register, prepend=0))
    assert START < leak.found_h <= START + 168


@pytest.mark.parametrize(("pulse", "flow", "within"), [(10, 10, 168), (10, 30, 130), (100, 40, 168)])
def test_pulses_hours_apart_show_a_leak_by_their_regular_gaps(pulse, flow, within):
    use = _home()
    use[START:] += flow
    register = np.floor(np.cumsum(use) / pulse) * pulse
    (leak,) = _leaks(np.diff(register, prepend=0))
    assert START < leak.found_h <= START + within


def test_homes_without_a_leak_tell_none_by_coarse_registers():
    registers = [(np.cumsum(_home(seed=k, people=4)), (10, 100)[k % 2]) for k in range(12)]
    assert _leaks(*(np.diff(np.floor(litres / pulse) * pulse, prepend=0) for litres, pulse in registers)) == ()


def _creeping(l_h_a_day):
    """So slow that what lasts now is never far above what lasted a few days ago."""
    use = _home()
    use[30 * 24 :] += l_h_a_day * np.arange(HOURS - 30 * 24) / 24
    return use


@pytest.mark.parametrize("l_h_a_day", [0.3, 0.33, 0.36])
def test_flow_that_creeps_up_until_it_is_usual_is_told(l_h_a_day):
    (leak,) = _leaks(_creeping(l_h_a_day))
    assert 38 * 24 < leak.found_h < 50 * 24
    assert 2.0 <= leak.flow_l_h + leak.usual_l_h <= l_h_a_day * (leak.found_h / 24 - 30)
    assert leak.usual_l_h < 0.3 * (leak.flow_l_h + leak.usual_l_h)


def test_what_creeps_is_judged_by_what_ran_weeks_ago():
    """By a tenth of a litre a day a fountain of 5 L/h becomes one of 8: no threefold growth."""
    use = _home() + 5.2 + 0.1 * np.maximum(0.0, np.arange(HOURS) / 24 - 50)
    use[: 12 * 24] = np.floor(np.random.default_rng(2).uniform(5.2, 80, 12 * 24))  # else it is told at the first look
    assert _leaks(use) == ()


def test_what_falls_from_more_has_not_crept_up():
    """A house that never rested for a week and now rests at 10 L/h, as after a wedding."""
    use, rng = _home(), np.random.default_rng(3)
    busy = slice(START, START + 8 * 24)
    use[busy] = np.floor(rng.uniform(40, 260, 8 * 24))
    use[busy.stop : busy.stop + 6 * 24] += 10
    assert _leaks(use) == ()


@pytest.mark.parametrize("l_h_a_day", [1.2, 3.0, 8.0])
def test_a_leak_that_grows_by_the_day_is_told_in_its_first_week(l_h_a_day):
    use = _home()
    use[START:] += l_h_a_day * np.arange(HOURS - START) / 24
    leak = _leaks(use)[0]
    assert START + 24 < leak.found_h <= START + 8 * 24
    assert 0.5 * l_h_a_day <= leak.flow_l_h / ((leak.found_h - START) / 24) <= 1.3 * l_h_a_day


@pytest.mark.parametrize("l_h_a_day", [3.0, 8.0])
def test_what_grows_must_have_run_for_three_days(l_h_a_day):
    """Brought up to today's, the days before it would look as if it had run."""
    use = _home()
    use[START:] += l_h_a_day * np.arange(HOURS - START) / 24
    assert _leaks(use)[0].found_h >= START + 72


def test_a_cistern_that_comes_and_goes_is_told_though_it_ran_before_unseen():
    """The first time a busy house hides it; that must not become habit."""
    use, rng = _home(), np.random.default_rng(6)
    use[START : START + 44] = np.floor(rng.uniform(25, 160, 44))
    use[START + 70 : START + 130] += 25
    (leak,) = _leaks(use)
    assert START + 70 < leak.found_h <= START + 130


def test_nights_that_are_lived_in_for_a_month_are_no_leak_in_a_house_of_many():
    def flats(seed):
        rng, clock = np.random.default_rng(seed), np.arange(HOURS) % 24
        awake = np.where((clock >= 7) & (clock < 23), 1.0, np.where(np.arange(HOURS) >= START, 0.7, 0.12))
        return np.floor(rng.gamma(14.0 * awake, 9.0))

    assert _leaks(*(flats(k) for k in range(8))) == ()


def test_a_meter_that_sends_one_value_again_and_again_is_no_leak_and_an_empty_house_with_one_is():
    stuck = _home()
    stuck[START : START + 200] = 20.0
    assert _leaks(stuck) == ()
    empty = _home()
    empty[START - 72 : START + 200] = 0.0
    empty[START : START + 200] = 20.0
    assert len(_leaks(empty)) == 1


def test_a_leak_whose_hours_come_late_in_one_lump_is_told_though_the_hours_stand_at_zero():
    use = _home()
    use[START : START + 300] += 25
    late = slice(START + 40, START + 52)
    use[late.stop] += use[late].sum()
    use[late] = 0.0
    assert _leaks(use)[0].found_h <= START + 78


def test_two_leaks_of_one_meter_are_told_apart():
    use = _home()
    use[START : START + 240] += 25
    use[START + 600 :] += 25
    assert len(_leaks(use)) == 2


def test_silence_and_readings_that_are_none_say_nothing():
    assert find_customer_leaks(np.full((600, 1), np.nan), ("m",)) == ()
    assert find_customer_leaks(np.zeros((10, 1)), ("m",)) == ()
    assert find_customer_leaks(np.full((600, 1), -300.0), ("m",)) == ()


def test_what_is_told_by_a_moment_does_not_depend_on_what_follows():
    def told(readings):
        return [(f.meter, f.found_h, f.flow_l_h) for f in find_customer_leaks(readings, tuple("abcd")) if f.found_h <= cut]

    use = np.stack([_home(seed=k) for k in range(4)], axis=1)
    use[START:, 1] += 15
    cut = START + 300
    other = use.copy()
    other[cut:] = np.random.default_rng(0).permutation(other[cut:])
    assert told(use) == told(other) != []


def test_a_watch_remembers_as_much_after_a_year_as_after_five_weeks():
    watch = CustomerWatch(("m",))
    sizes = []
    for end in range(WINDOW_H, 300 * 24, 24):
        watch.step(end, np.zeros((1, WINDOW_H)))
        sizes.append(watch._memory.past.nbytes)
    assert len(set(sizes)) == 1


def test_cooling_of_several_is_no_leak_though_each_looks_like_one_and_a_leak_beside_it_is_told():
    rng = np.random.default_rng(4)
    days, clock = HOURS // 24, np.arange(HOURS) % 24
    spell = np.convolve(rng.normal(0, 2.5, days + 5), np.ones(5) / 2, mode="valid")[:days]
    heat = np.maximum(0.0, np.linspace(-7, 7, days) + spell)
    shape = np.repeat(heat, 24) * (0.95 + 0.05 * np.cos(2 * np.pi * (clock - 15) / 24))
    coolers = [np.floor(shape * size * rng.gamma(400, 1 / 400, HOURS)) for size in np.linspace(3, 12, 10)]
    leaking = _home(seed=3)
    leaking[START : START + 400] += 30.0
    meters = np.stack([*coolers, leaking, _home(seed=5)], axis=1)
    names = tuple(f"m{k}" for k in range(12))
    unasked = {leak.meter for leak in find_customer_leaks(meters, names, CustomerSettings(along=2.0))}
    assert len(unasked) > 3
    assert {leak.meter for leak in find_customer_leaks(meters, names)} == {"m10"}
