"""A burst is told within hours, once, at its place; faults, repairs, restless hours and Sundays are not told."""

import numpy as np
import pytest

from domain.errors import ConfigurationError
from leak_detection.model.burst_watch import BurstWatch
from leak_detection.model.bursts import KnownChange, burst, contrast, contrast_covariance
from leak_detection.model.hourly import HourlyLayer
from leak_detection.model.residuals import learn_regression

_PER_DAY, _DAYS, _GAUGES, _PLACES = 48, 21, 9, 40
_HOUR, _AT = _PER_DAY // 24, 18 * _PER_DAY + 20
_ALONG = np.arange(_PLACES) * 100.0
_DISTANCE = np.abs(_ALONG[:, None] - _ALONG[None, :])
_SIGNATURES = -0.008 * np.exp(-np.abs(_ALONG[:, None] - np.linspace(0, 3900, _GAUGES)[None, :]) / 900.0) - 0.001


@pytest.fixture(name="quiet", scope="module")
def _quiet():
    """Residuals of a town: noise, and mornings that are restless."""
    rng = np.random.default_rng(4)
    rest = rng.normal(0, 0.008, (_DAYS * _PER_DAY, _GAUGES))
    morning = (np.arange(len(rest)) % _PER_DAY) // _HOUR == 8
    rest[morning] += rng.normal(0, 0.03, (_DAYS, 1, _GAUGES)).repeat(_HOUR, axis=1).reshape(-1, _GAUGES)
    return rest


def _watch():
    return BurstWatch(signatures=_SIGNATURES, distance_m=_DISTANCE, per_day=_PER_DAY)


def _replay(rest, watch=None):
    watch = watch or _watch()
    told = [(end, watch.look(rest[end - _HOUR : end])) for end in range(_HOUR, len(rest) + 1, _HOUR)]
    return [(end, found) for end, found in told if found is not None]


def _with(rest, *leaks):
    """Leaks as (first row, last row, place, flow)."""
    out = rest.copy()
    for first, last, place, flow in leaks:
        out[first:last] += flow * _SIGNATURES[place]
    return out


def test_a_quiet_town_has_no_burst(quiet):
    assert _replay(quiet) == []


def test_a_burst_is_told_once_within_hours_with_place_time_and_flow(quiet):
    ((end, found),) = _replay(_with(quiet, (_AT, None, 17, 20.0)))
    assert (end - _AT) / _HOUR <= 5
    assert abs(found.place - 17) <= 2
    assert abs(end - found.rows_ago - _AT) <= 2 * _HOUR
    assert found.flow_m3h == pytest.approx(20.0, rel=0.3)
    assert 0 < found.flow_error_m3h < 6
    assert found.is_burst
    assert found.glr > 100
    assert found.fit > 0.55


def test_the_next_burst_is_seen_on_top_of_the_first(quiet):
    rest = _with(quiet, (_AT, None, 5, 20.0), (_AT + _PER_DAY, None, 33, 20.0))
    assert [abs(found.place - place) <= 2 for (_, found), place in zip(_replay(rest), (5, 33), strict=True)] == [True, True]


def test_a_repair_is_no_burst_and_hides_none(quiet):
    rest = _with(quiet, (0, _AT, 5, 20.0), (_AT + _PER_DAY, None, 33, 20.0))
    ((_, found),) = _replay(rest)
    assert abs(found.place - 33) <= 2


def test_one_gauge_alone_is_no_burst_and_its_neighbours_still_tell_one(quiet):
    alone = quiet.copy()
    alone[_AT:, 4] -= 0.5
    assert _replay(alone) == []
    ((_, found),) = _replay(_with(alone, (_AT, None, 30, 25.0)))
    assert found.left_out == (4,)
    assert abs(found.place - 30) <= 3


def test_a_day_that_comes_every_week_is_no_burst(quiet):
    sundays = [(day * _PER_DAY, (day + 1) * _PER_DAY, 12, 15.0) for day in (3, 10, 17)]
    assert _replay(_with(quiet, *sundays)) == []


def test_what_the_ledger_knows_is_not_told(quiet):
    rest, watch = _with(quiet, (_AT, None, 17, 20.0)), _watch()
    assert _replay(rest[:_AT], watch) == []
    watch.expect(20.0 * _SIGNATURES[17], 0)
    assert _replay(rest[_AT:], watch) == []


def test_a_masked_gauge_is_left_out_from_when_it_failed(quiet):
    rest, watch = quiet.copy(), _watch()
    rest[_AT:, 4] -= 0.1
    _replay(rest[: _AT + 4 * _HOUR], watch)
    watch.mask(4, 5 * _HOUR)
    rest[:, 4] = np.nan
    assert _replay(rest[_AT + 4 * _HOUR :], watch) == []


def test_the_future_changes_nothing(quiet):
    rest = _with(quiet, (_AT, None, 17, 20.0))
    other = rest.copy()
    other[_AT + _PER_DAY :] = 3.0 * other[_AT + _PER_DAY :][::-1]
    told = [[(end, f.place) for end, f in _replay(r) if end <= _AT + _PER_DAY] for r in (rest, other)]
    assert told[0] == told[1] != []


def test_missing_gauges_and_gaps_are_borne(quiet):
    rest = _with(quiet, (_AT, None, 17, 20.0))
    rest[:, 2] = np.nan
    rest[_AT - 9 * _HOUR : _AT - 2 * _HOUR] = np.nan
    ((_, found),) = _replay(rest)
    assert abs(found.place - 17) <= 3
    assert np.isnan(found.change_m[2])


def test_a_known_change_is_taken_off_from_when_it_began(quiet):
    rest = _with(quiet, (_AT, None, 17, 20.0))
    window = rest[: _AT + 12 * _HOUR]
    assert contrast(window, _PER_DAY, 6 * _HOUR)[4] == pytest.approx(20.0 * _SIGNATURES[17, 4], abs=0.02)
    known = [KnownChange(rows_ago=12 * _HOUR, change_m=20.0 * _SIGNATURES[17])]
    assert contrast(window, _PER_DAY, 6 * _HOUR, known)[4] == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("ago", [3 * _HOUR, 9 * _HOUR, 2 * _PER_DAY + 3 * _HOUR, 30 * _PER_DAY])
def test_a_contrast_is_the_last_mean_less_the_median_of_the_same_hours(quiet, ago):
    rows, window = 6 * _HOUR, quiet[: 9 * _PER_DAY].copy()
    window[np.random.default_rng(6).random(window.shape) < 0.3] = np.nan
    window[1 - rows :, 3] = np.nan
    window[-rows, 3] = 0.0
    change = np.linspace(-1.0, 1.0, _GAUGES)
    plain = window.copy()
    plain[max(len(plain) - ago, 0) :] -= change
    hours = [plain[end - rows : end] for end in len(plain) - _PER_DAY * np.arange(8)]
    now, *before = (np.where(np.isfinite(h).mean(axis=0) >= 0.5, np.nanmean(h, axis=0), np.nan) for h in hours)
    assert np.isnan(now[3])
    expected = now - np.nanmedian(before, axis=0)
    known = [KnownChange(rows_ago=ago, change_m=change)]
    assert contrast(window, _PER_DAY, rows, known) == pytest.approx(expected, nan_ok=True)


def test_too_short_a_window_says_how_long_it_must_be(quiet):
    with pytest.raises(ConfigurationError, match="348 rows or more"):
        burst(quiet[:300], _SIGNATURES, np.eye(_GAUGES), _PER_DAY, rows=12)


def test_the_whole_layer_tells_the_burst_and_masks_the_gauge_that_stands_still():
    days, rng = 40, np.random.default_rng(8)
    t = np.arange(days * _PER_DAY) / _PER_DAY
    inflow = 100 + 40 * np.sin(2 * np.pi * t) + np.convolve(rng.normal(0, 6, t.size), np.ones(4) / 4, "same")
    pressure = np.round(
        50 - 6e-5 * (inflow**2)[:, None] * np.linspace(0.6, 1.4, _GAUGES) + rng.normal(0, 0.01, (t.size, _GAUGES)), 2
    )
    regression = learn_regression(pressure, inflow[:, None], 7 * _PER_DAY)
    pressure[35 * _PER_DAY + 3 :, 2] = pressure[35 * _PER_DAY + 3, 2]
    pressure[38 * _PER_DAY + 9 :] += 25.0 * _SIGNATURES[30]
    layer = HourlyLayer(per_day=_PER_DAY, regression=regression, signatures=_SIGNATURES, distance_m=_DISTANCE)
    hours = range(0, len(pressure), _HOUR)
    news = [layer.look(pressure[k : k + _HOUR], inflow[k : k + _HOUR, None], seek=k >= 20 * _PER_DAY) for k in hours]
    ((when, burst_told),) = [(k, n.burst) for k, n in zip(hours, news, strict=True) if n.burst is not None]
    assert 0 <= (when - 38 * _PER_DAY - 9) / _HOUR <= 5
    assert abs(burst_told.place - 30) <= 3
    verdicts = [n.verdict for n in news if n.verdict is not None]
    assert [(f.gauge, f.kind, f.since_day) for v in verdicts for f in v.opened] == [(2, "stuck", 35)]
    assert len(verdicts) == days


def test_the_covariance_stays_positive_definite_with_a_gauge_that_is_missing_half_the_time():
    rng = np.random.default_rng(2)
    common = rng.normal(0, 0.02, (60, 1))
    contrasts = common * np.linspace(1.0, 3.0, _GAUGES) + rng.normal(0, 0.001, (60, _GAUGES))
    contrasts[:, 0] = np.where(np.arange(60) < 30, contrasts[:, 0], np.nan)
    contrasts[:20, 1] = np.nan
    contrasts[40:, 2] = np.nan
    covariance = contrast_covariance(contrasts)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_a_burst_that_was_told_is_measured_anew_for_twelve_hours_and_no_longer(quiet):
    rest = _with(quiet, (_AT, None, 17, 20.0))
    watch, hours, off = _watch(), [], []
    for end in range(_HOUR, len(rest) + 1, _HOUR):
        told = watch.look(rest[end - _HOUR : end])
        for again in watch.followed():
            assert told is None
            hours.append((end - _AT) // _HOUR)
            off.append(float(np.abs(again.change_m - 20.0 * _SIGNATURES[17]).mean()))
            assert abs(end - again.rows_ago - _AT) <= 2 * _HOUR
    assert hours == list(range(hours[0], hours[0] + len(hours)))
    assert hours[0] <= 6
    assert 10 <= hours[-1] <= 13
    assert off[-1] < 0.005


def test_a_gauge_that_was_dead_for_weeks_has_no_say_in_the_hours():
    contrasts = np.random.default_rng(3).normal(0, 0.02, (200, 4))
    contrasts[:180, 2] = np.nan
    covariance = contrast_covariance(contrasts)
    assert covariance[2, 2] > 1.0
    assert np.all(np.diag(covariance)[[0, 1, 3]] < 0.03**2)
