"""A leak is found on its day at its place; noise, a single gauge and the future are not leaks."""

import numpy as np
import pytest

from leak_detection.model.history import begin
from leak_detection.model.ledger import Ledger
from leak_detection.model.ledger_records import LedgerSettings, Repair
from leak_detection.model.places import locate, reach, share_without_one
from leak_detection.model.residuals import daily_residuals, learn_regression
from leak_detection.model.shapes import NO_SAY, noise_covariance
from leak_detection.model.signatures import SignatureSet, with_balance
from tests.support.pipe_line import GAUGES, PLACES, pipe_line


@pytest.fixture(name="net")
def _net():
    return pipe_line(error=0.1)


def _replay(net, residual):
    ledger = Ledger(signatures=net)
    return [leak for day in range(1, len(residual) + 1) for leak in ledger.look(residual[:day])], ledger


def _noise(days=100, seed=1):
    return np.random.default_rng(seed).normal(0, 0.005, (days, GAUGES))


def test_distances_run_between_the_middles_of_pipes(net):
    assert net.distance_m[0, 0] == 0
    assert net.distance_m[0, 1] == 100
    assert net.distance_m[2, 7] == 500


def test_a_step_is_found_within_two_days_near_its_place_with_its_flow(net):
    residual = _noise()
    residual[60:] += 6.0 * net.at(6.0)[12]
    leaks, _ = _replay(net, residual)
    assert len(leaks) == 1
    assert 60 < leaks[0].found_day <= 62
    assert net.distance_m[leaks[0].place.index, 12] <= 200
    assert leaks[0].place.flow_m3h == pytest.approx(6.0, rel=0.35)


def test_a_gauge_that_comes_back_after_two_months_is_no_leak(net):
    residual = np.random.default_rng(4).normal(0, 0.05, (170, GAUGES))
    residual[60:130, 3] = np.nan
    leaks, ledger = _replay(net, residual)
    assert leaks == []
    assert len(ledger.courses) + len(ledger.gauge_steps) <= 1
    assert begin(Ledger(signatures=net), residual, []) == []


def test_a_repair_closes_it(net):
    residual = _noise()
    residual[50:75] += 6.0 * net.at(6.0)[12]
    _, ledger = _replay(net, residual)
    assert [leak.end_day is not None for leak in ledger.leaks] == [True]


def test_noise_gaps_and_one_shifted_gauge_are_no_leak(net):
    residual = _noise()
    residual[40:60, 2] = np.nan
    assert _replay(net, residual)[0] == []
    shifted = _noise()
    shifted[60:, 3] += 0.6
    assert _replay(net, shifted)[0] == []


def test_the_future_changes_nothing(net):
    residual = _noise()
    residual[60:] += 6.0 * net.at(6.0)[12]
    other = residual.copy()
    other[70:] = other[70:][::-1] * 3
    days = [[leak.found_day for leak in _replay(net, r)[0] if leak.found_day <= 70] for r in (residual, other)]
    assert days[0] == days[1]


def test_the_posterior_is_a_probability_and_ranks_the_true_place(net):
    place = locate(5.0 * net.at(5.0)[20], np.eye(GAUGES) * 1e-5, net)
    assert place.index in (19, 20, 21)
    assert 0 < place.near <= place.far <= 1 + 1e-9


def test_a_large_leak_is_read_by_the_signature_of_its_size(net):
    bent = SignatureSet(
        sizes_m3h=net.sizes_m3h,
        change_m=np.stack([net.change_m[0], 2.0 * net.change_m[0]]),
        spread_m=net.spread_m,
        distance_m=net.distance_m,
        metered=net.metered,
    )
    assert np.allclose(bent.at(1.0), net.at(1.0))
    assert np.allclose(bent.at(10.5), 1.5 * net.at(1.0))
    place = locate(20.0 * bent.at(20.0)[12], np.eye(GAUGES) * 1e-5, bent)
    assert place.flow_m3h == pytest.approx(20.0, rel=0.1)


def test_the_balance_of_a_part_tells_in_which_part_a_leak_is(net):
    inside = np.arange(PLACES) >= 15
    both = with_balance(net, inside)
    assert both.change_m.shape[2] == GAUGES + 1
    change = np.append(5.0 * net.at(5.0)[14], 5.0)
    place = locate(change, np.eye(GAUGES + 1) * 1e-3, both)
    assert inside[place.index]


def test_what_stands_at_the_end_of_a_year_is_found_and_what_was_repaired_is_not(net):
    rng = np.random.default_rng(5)
    residual = rng.normal(0, 0.005, (300, GAUGES))
    residual[40:90] += 8.0 * net.at(8.0)[5]
    residual[120:] += 6.0 * net.at(6.0)[22]
    grown = np.clip((np.arange(300) - 150) / 100.0, 0, 1)[:, None]
    residual += grown * 5.0 * net.at(5.0)[12]
    ledger = Ledger(signatures=net)
    standing = begin(ledger, residual, [Repair(day=90.0, place=5)])
    places = sorted(leak.place.index for leak in standing)
    assert len(places) == 2
    assert abs(places[0] - 12) <= 2
    assert abs(places[1] - 22) <= 2
    assert all(np.isfinite(leak.loading_m).all() for leak in standing)
    residual = np.concatenate([residual, rng.normal(0, 0.005, (20, GAUGES)) + residual[-1:]])
    assert [leak for day in range(301, 321) for leak in ledger.look(residual[:day])] == []


def test_a_second_leak_near_an_open_one_is_told_when_it_is_clear(net):
    residual = _noise()
    residual[50:] += 6.0 * net.at(6.0)[12]
    residual[70:] += 12.0 * net.at(12.0)[13]
    leaks, _ = _replay(net, residual)
    assert [leak.start_day for leak in leaks] == [50, 70]
    of_the_past = begin(Ledger(signatures=net), residual, [])
    assert [leak.start_day for leak in of_the_past] == [50, 70]
    assert sum(leak.today.flow_m3h for leak in of_the_past if leak.today) == pytest.approx(18.0, rel=0.2)


def test_what_begins_beside_a_leak_that_has_long_stood_still_is_another(net):
    residual = _noise(days=140)
    residual[50:] += 6.0 * net.at(6.0)[12]
    later, soon = residual.copy(), residual.copy()
    later[100:] += 2.0 * net.at(2.0)[13]
    soon[60:] += 2.0 * net.at(2.0)[13]
    assert [leak.start_day for leak in _replay(net, later)[0]] == [50, 100]
    leaks, _ = _replay(net, soon)
    assert [leak.start_day for leak in leaks] == [50], "ten days after it began it is its growth"
    assert [course.start_day for course in leaks[0].growth] == [60]


def test_what_is_three_times_as_large_as_a_leak_beside_it_is_no_growth_of_it(net):
    residual = _noise(days=80)
    residual[50:] += 2.0 * net.at(2.0)[12]
    residual[55:] += 8.0 * net.at(8.0)[13]
    # However large it is, by itself it is none.
    ledger = Ledger(signatures=net, settings=LedgerSettings(again_flow_m3h=100.0))
    assert [leak.start_day for day in range(1, 81) for leak in ledger.look(residual[:day])] == [50, 55]


def test_beside_a_large_open_leak_which_swings_the_flow_of_another_is_less_sure(net):
    residual = _noise(days=90)
    residual[50:] += 30.0 * net.at(30.0)[12]
    residual[80:] += 4.0 * net.at(4.0)[24]

    def error_m3h(swing):
        ledger = Ledger(signatures=net, settings=LedgerSettings(open_swing=swing))
        *_, other = [leak for day in range(1, 91) for leak in ledger.look(residual[:day])]
        assert other.start_day == 80
        return other.place.flow_error_m3h

    assert error_m3h(0.1) > 1.1 * error_m3h(0.0)


def test_a_change_whose_place_is_sure_is_told_after_a_day(net):
    residual = np.random.default_rng(1).normal(0, 0.02, (70, GAUGES))
    residual[60:] += 4.0 * net.at(4.0)[12]
    (leak,), _ = _replay(net, residual)
    assert leak.glr < 200.0
    assert leak.place.far >= LedgerSettings().sure_far
    assert leak.found_day == 61


def test_flows_explain_what_they_explain():
    rng = np.random.default_rng(2)
    drivers = rng.uniform(50, 150, (24 * 70, 2))
    pressure = 60 - 0.0004 * drivers[:, :1] ** 2 - 0.02 * drivers[:, 1:] + rng.normal(0, 0.01, (24 * 70, 1))
    pressure[24 * 50 :] -= 0.5
    rest = daily_residuals(pressure, drivers, learn_regression(pressure, drivers, 24 * 7), 24)
    assert float(np.median(rest[51:]) - np.median(rest[:49])) == pytest.approx(-0.5, abs=0.03)


def _one_ends_beside_another(net):
    """At 12 until day 80; at 15 from day 60 on."""
    residual = _noise(140)
    residual[40:80] += 12.0 * net.at(12.0)[12]
    residual[60:] += 8.0 * net.at(8.0)[15]
    return residual


def test_a_repair_ends_the_leak_there_and_not_the_one_beside_it(net):
    residual = _one_ends_beside_another(net)
    ledger = Ledger(signatures=net)
    for day in range(1, len(residual) + 1):
        if day == 81:
            ledger.repaired(80.0, 12)
        ledger.look(residual[:day])
    assert [(leak.place.index, leak.end_day) for leak in ledger.leaks] == [(12, 80), (15, None)]
    standing = begin(Ledger(signatures=net), residual[:82], [Repair(day=80.0, place=12)])
    assert [leak.place.index for leak in standing] == [15]


def test_a_repair_booked_late_ends_what_has_ended_already_and_not_its_neighbour(net):
    residual = _one_ends_beside_another(net)
    ledger = Ledger(signatures=net)
    for day in range(1, len(residual) + 1):
        if day == 88:
            assert [leak.end_day for leak in ledger.leaks] == [80, None]
            ledger.repaired(87.0, 12)
        ledger.look(residual[:day])
    assert [(leak.end_day, leak.final) for leak in ledger.leaks] == [(80, True), (None, False)]


def _opening_and_closing():
    open_now = np.zeros(150, dtype=bool)
    for first in (50, 75, 100, 125):
        open_now[first : first + 15] = True
    return open_now[:, None]


def test_a_leak_that_closes_and_opens_again_is_told_once(net):
    residual = _noise(150) + _opening_and_closing() * 6.0 * net.at(6.0)[12]
    leaks, _ = _replay(net, residual)
    assert [leak.start_day for leak in leaks] == [50]
    assert len(leaks[0].growth) == 3
    assert leaks[0].end_day == 140
    far = _noise(150) + _opening_and_closing() * 6.0 * net.at(6.0)[12]
    far[95:] -= _opening_and_closing()[95:] * 6.0 * (net.at(6.0)[12] - net.at(6.0)[25])
    assert len(_replay(net, far)[0]) == 2, "elsewhere it is another"


def test_a_leak_that_was_repaired_and_is_back_is_told_anew(net):
    residual = _noise(100)
    residual[50:70] += 6.0 * net.at(6.0)[12]
    residual[80:] += 6.0 * net.at(6.0)[12]
    ledger, told = Ledger(signatures=net), []
    for day in range(1, len(residual) + 1):
        if day == 71:
            ledger.repaired(70.0, 12)
        told += ledger.look(residual[:day])
    assert [leak.start_day for leak in told] == [50, 80]


def test_what_had_ended_when_the_past_was_searched_is_told_when_it_is_back(net):
    residual = np.random.default_rng(5).normal(0, 0.005, (220, GAUGES))
    residual[150:185] += 8.0 * net.at(8.0)[12]
    residual[205:] += 8.0 * net.at(8.0)[12]
    ledger = Ledger(signatures=net)
    assert begin(ledger, residual[:200], []) == []
    assert any(leak.end_day == 185 for leak in ledger.leaks)
    told = [leak for day in range(201, 221) for leak in ledger.look(residual[:day])]
    assert [leak.start_day for leak in told] == [205]


def test_a_large_leak_that_swings_with_demand_has_neither_ended_nor_begun_anew(net):
    residual = _noise(120)
    swing = np.where(np.arange(60) // 10 % 2 == 0, 1.0, 0.9)[:, None]
    residual[60:] += swing * 28.0 * net.at(20.0)[12]
    leaks, ledger = _replay(net, residual)
    assert len(leaks) == 1
    assert ledger.leaks[0].end_day is None


def test_a_second_burst_beside_an_open_leak_is_told_unless_the_first_is_so_large_that_it_swings_by_that(net):
    for first_m3h, second_m3h, told in ((6.0, 8.0, 2), (60.0, 6.0, 1)):
        residual = _noise(120)
        residual[60:] += first_m3h * net.at(first_m3h)[12]
        residual[90:] += second_m3h * net.at(second_m3h)[12]
        leaks, ledger = _replay(net, residual)
        assert len(leaks) == told
        assert [len(leak.growth) for leak in ledger.leaks] == [2 - told] + [0] * (told - 1)


def test_a_gauges_own_step_is_written_down_once(net):
    residual = _noise()
    residual[60:, 3] += 0.6
    _, ledger = _replay(net, residual)
    assert len(ledger.gauge_steps) == len(set(ledger.gauge_steps))


def test_days_that_were_filled_do_not_make_a_gauge_look_still():
    rng = np.random.default_rng(6)
    rest, known = rng.normal(0, 0.02, (90, 3)), np.ones((90, 3), dtype=bool)
    known[20:50, 1] = False
    known[4:, 2] = False
    rest[20:50, 1] = rest[19, 1]
    variance = np.diag(noise_covariance(rest, known))
    assert variance[1] == pytest.approx(variance[0], rel=0.6)
    assert variance[2] == pytest.approx(NO_SAY)
    assert np.linalg.eigvalsh(noise_covariance(rest, known)).min() > 0


def test_what_loses_nothing_beside_the_others_is_not_told_of_the_past(net):
    rng = np.random.default_rng(9)
    residual = rng.normal(0, 0.005, (200, GAUGES))
    residual[60:] += 8.0 * net.at(8.0)[6]
    residual[90:130] += 5.0 * net.at(5.0)[22]
    ledger = Ledger(signatures=net)
    standing = begin(ledger, residual, [])
    assert [abs(leak.place.index - 6) <= 1 for leak in standing] == [True]


def test_a_leak_is_seen_without_any_one_gauge_and_a_gauge_alone_is_not(net):
    covariance = np.eye(GAUGES) * 0.01**2
    leak = 8.0 * net.at(8.0)[12]
    fault = np.zeros(GAUGES)
    fault[4] = -0.3
    shares = [share_without_one(locate(change, covariance, net), change, covariance, net) for change in (leak, fault)]
    assert shares[0] > 0.8
    assert shares[1] < 0.2


def test_where_pipes_are_long_a_clear_leak_is_told_with_a_wide_region(net):
    long = SignatureSet(
        sizes_m3h=net.sizes_m3h,
        change_m=net.change_m,
        spread_m=net.spread_m,
        distance_m=net.distance_m * 6.0,
        metered=net.metered,
    )
    assert (reach(net.distance_m[12]), reach(long.distance_m[12])) == (1.0, 4.0)
    residual = _noise()
    residual[60:] += 6.0 * net.at(6.0)[12]
    (told,), (there,) = _replay(long, residual)[0], _replay(net, residual)[0]
    assert (told.place.near_m, told.place.far_m) == (600.0, 1200.0)
    assert (there.place.near_m, there.place.far_m) == (150.0, 300.0)
    assert told.place.index == there.place.index


def test_a_clear_leak_is_glimpsed_before_its_day_is_over_and_nothing_of_that_is_remembered(net):
    residual = _noise()
    residual[60:] += 9.0 * net.at(9.0)[12]
    half = residual[59] + 4.5 * net.at(9.0)[12]  # noon to noon
    glimpsing, plain = Ledger(signatures=net), Ledger(signatures=net)
    for day in range(1, 61):
        plain.look(residual[:day])
        glimpsing.look(residual[:day])
        assert glimpsing.glimpse(np.vstack([residual[:day], residual[day]]), np.empty(0)) is None or day == 60
    found = glimpsing.glimpse(np.vstack([residual[:60], half]), np.empty(0))
    assert found is not None
    assert found.start_day == 60
    assert net.distance_m[found.place.index, 12] <= 200
    assert glimpsing.leaks == []
    for day in range(61, 100):
        plain.look(residual[:day])
        glimpsing.look(residual[:day])
    assert [leak.place for leak in glimpsing.leaks] == [leak.place for leak in plain.leaks]
    assert (glimpsing.courses, glimpsing.gauge_steps) == (plain.courses, plain.gauge_steps)
    assert len(plain.leaks) == 1


def test_growth_of_an_open_leak_and_one_gauge_alone_are_not_glimpsed(net):
    residual = _noise()
    residual[60:] += 9.0 * net.at(9.0)[12]
    _, ledger = _replay(net, residual[:80])
    grown = residual[80] + 1.5 * net.at(3.0)[12]
    assert ledger.glimpse(np.vstack([residual[:80], grown]), np.empty(0)) is None
    alone = residual[80].copy()
    alone[3] -= 0.5
    assert ledger.glimpse(np.vstack([residual[:80], alone]), np.empty(0)) is None
