"""The fit shared by the learners of losses: what it learns, what it keeps over a restart, what it does not believe."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from pressure_control.recursive_fit import RecursiveFit

NOISE_M = 0.1
X, MINUTE = np.linspace(0.2, 2.0, 7), 600.0


def loss_m(x: float, minute: float) -> float:
    """The truth: 5 m, 4 m more at x = 1, and a little by the hour."""
    return 5.0 + 4.0 * x + 0.2 * math.sin(2.0 * math.pi * minute / 1440.0)


def take(fit: RecursiveFit, x: float, minute: float, measured_m: float) -> bool:
    """One reading, forecast one step before at the same x; whether it taught."""
    inputs = fit.inputs(x, minute)
    error = measured_m - float(fit.theta @ inputs)
    return fit.learn(inputs, error, error, x)


def taught(readings: int = 400) -> RecursiveFit:
    fit, rng = RecursiveFit(prior=(1e3, 10.0, 1.0, 1.0), trusted_after=150, lowest_z=2.0), np.random.default_rng(4)
    for k in range(readings):
        x, minute = 0.2 + 1.8 * float(rng.random()), k * 15.0 % 1440.0
        take(fit, x, minute, loss_m(x, minute) + float(rng.normal(0.0, NOISE_M)))
    return fit


def test_the_line_and_its_doubt_are_found() -> None:
    fit = taught()
    assert fit.expected(X, MINUTE) == pytest.approx([loss_m(float(x), MINUTE) for x in X], abs=0.1)
    assert fit.sd(1.0) == pytest.approx(NOISE_M, rel=0.4)
    assert 2.0 <= fit.quantile(0.99) < 4.5


def test_what_is_restored_forecasts_and_learns_on_as_if_never_stopped() -> None:
    fit, other = taught(), RecursiveFit(prior=(1.0, 1.0, 1.0, 1.0), trusted_after=150, lowest_z=2.0)
    fit.quantile(0.99)
    lasting = loss_m(1.0, MINUTE) + 4.0
    assert not any(take(fit, 1.0, MINUTE, lasting) for _ in range(10))
    other.restore(json.loads(json.dumps(fit.state())))
    assert [take(other, 1.0, MINUTE, lasting) for _ in range(14)] == [False] * 13 + [True], "the count goes on where it stood"
    assert [take(fit, 1.0, MINUTE, lasting) for _ in range(14)].count(True) == 1
    for _ in range(3):
        assert other.expected(X, MINUTE) == pytest.approx(fit.expected(X, MINUTE), abs=1e-9)
        assert other.deviation(X) == pytest.approx(fit.deviation(X), abs=1e-9)
        assert other.felt(X, 0.05) == pytest.approx(fit.felt(X, 0.05), abs=1e-9)
        assert other.quantile(0.99) == pytest.approx(fit.quantile(0.99), abs=1e-3)
        for k in range(20):
            measured = loss_m(1.0, k * 15.0) + 0.05 * (-1) ** k
            assert take(fit, 1.0, k * 15.0, measured) == take(other, 1.0, k * 15.0, measured)


@pytest.mark.parametrize("damage", [{"theta": [1.0]}, {"spread": [[math.nan] * 4] * 4}, {"samples": "many"}, {"z": 3}])
def test_a_damaged_state_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        taught(10).restore(taught(10).state() | damage)


def test_before_it_knows_it_judges_nothing() -> None:
    fit = taught(149)
    assert not fit.known
    assert take(fit, 1.0, MINUTE, 0.0)
    assert fit.known


@pytest.mark.parametrize("off_m", [-4.0, 4.0])
def test_an_abnormal_reading_does_not_teach(off_m: float) -> None:
    fit = taught()
    before, doubt, samples = fit.expected(X, MINUTE), fit.deviation(X), fit.samples
    for _ in range(23):
        assert not take(fit, 1.0, MINUTE, loss_m(1.0, MINUTE) + off_m)
    assert fit.samples == samples
    assert (fit.expected(X, MINUTE) == before).all()
    assert (fit.deviation(X) == doubt).all()


def test_a_higher_loss_that_lasts_for_24_readings_is_the_new_truth() -> None:
    fit = taught()
    lasting = loss_m(1.0, MINUTE) + 4.0
    assert [take(fit, 1.0, MINUTE, lasting) for _ in range(24)] == [False] * 23 + [True]
    for _ in range(600):
        take(fit, 1.0, MINUTE, lasting)
    assert float(fit.expected(np.array([1.0]), MINUTE)[0]) == pytest.approx(lasting, abs=0.5)


def test_one_usual_reading_between_begins_the_count_anew() -> None:
    fit = taught()
    high, usual = loss_m(1.0, MINUTE) + 4.0, loss_m(1.0, MINUTE)
    assert not any(take(fit, 1.0, MINUTE, high) for _ in range(23))
    assert take(fit, 1.0, MINUTE, usual)
    assert not any(take(fit, 1.0, MINUTE, high) for _ in range(23))


def test_a_lower_loss_is_never_taken_over_unasked() -> None:
    fit = taught()
    before = fit.expected(X, MINUTE)
    assert not any(take(fit, 1.0, MINUTE, loss_m(1.0, MINUTE) - 4.0) for _ in range(300))
    assert (fit.expected(X, MINUTE) == before).all()
    assert fit.implausible(-4.0, 1.0)
    assert not fit.implausible(-1.0, 1.0)
