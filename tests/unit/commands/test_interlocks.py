"""Interlocks: nothing outside its limits passes, every reason is given, and missing knowledge refuses."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.interlocks import InterlockRules, Situation, Wish, check_mode, check_move, check_renewal
from domain.setpoints import Mode, PredictedEffect, Source
from tests.support.desk import START, any_command, small_site

ACTUATOR = small_site().actuators["prv_medina"]
RULES = InterlockRules()
GOOD = Situation(
    actuator=ACTUATOR,
    mode=Mode.AUTO,
    now=START,
    current_m=40.0,
    outlet_m=40.0,
    observed_at=START - timedelta(seconds=60),
    last_move_at=START - timedelta(hours=1),
)
NUMBERS = st.one_of(st.none(), st.floats(0, 80))
MOMENTS = st.one_of(st.none(), st.integers(-7200, 600).map(lambda s: START + timedelta(seconds=s)))
SITUATIONS = st.builds(
    Situation,
    actuator=st.just(ACTUATOR),
    mode=st.sampled_from(Mode),
    now=st.just(START),
    current_m=NUMBERS,
    outlet_m=NUMBERS,
    observed_at=MOMENTS,
    last_move_at=MOMENTS,
    pending=st.sampled_from([(), (any_command(),), (any_command(source=Source.LAW),)]),
    unresolved_since=MOMENTS,
)


def effect(lowest: float | None) -> PredictedEffect:
    return PredictedEffect(
        actuator="prv_medina",
        value_m=0.0,
        current_m=40.0,
        critical_m={},
        lowest_m=lowest,
        min_pressure_m=20.0,
        customers_below=7,
        leakage_change_m3h=None,
        basis="test",
    )


EFFECTS = st.one_of(st.none(), NUMBERS.map(effect))
WISHES = st.builds(Wish, value_m=st.floats(allow_nan=True, allow_infinity=True), source=st.sampled_from(Source)) | st.builds(
    Wish, value_m=st.floats(15, 65), source=st.sampled_from(Source)
)


def codes(wish: float, situation: Situation = GOOD, lowest: float | None = 25.0, source: Source = Source.LAW) -> list[str]:
    return [r.code for r in check_move(Wish(value_m=wish, source=source), situation, effect(lowest), RULES)]


@given(WISHES, SITUATIONS, EFFECTS)
def test_what_passes_is_within_every_limit(wish: Wish, at: Situation, predicted: PredictedEffect | None) -> None:
    if check_move(wish, at, predicted, RULES):
        return
    assert math.isfinite(wish.value_m)
    assert ACTUATOR.min_m <= wish.value_m <= ACTUATOR.max_m
    assert at.current_m is not None
    assert -ACTUATOR.ramp_down_m - 1e-6 <= wish.value_m - at.current_m <= ACTUATOR.ramp_up_m + 1e-6
    assert at.last_move_at is None or (at.now - at.last_move_at).total_seconds() >= ACTUATOR.min_interval_s
    assert at.observed_at is not None
    assert -120 <= (at.now - at.observed_at).total_seconds() <= 900
    assert at.unresolved_since is None
    assert all(wish.source is Source.OPERATOR and c.source is not Source.OPERATOR for c in at.pending)
    if wish.value_m < at.current_m - 1e-6:
        assert predicted is not None
        assert predicted.lowest_m is not None
        assert predicted.lowest_m >= predicted.min_pressure_m
    if wish.value_m > at.current_m + 1e-6:
        assert at.outlet_m is not None
        assert wish.value_m <= at.outlet_m + 3.0


@given(st.floats(15, 65), SITUATIONS, EFFECTS)
def test_a_person_is_held_to_the_same_limits_as_a_law(value_m: float, at: Situation, predicted: PredictedEffect | None) -> None:
    alone = replace(at, pending=())
    person = check_move(Wish(value_m=value_m, source=Source.OPERATOR), alone, predicted, RULES)
    assert person == check_move(Wish(value_m=value_m, source=Source.LAW), alone, predicted, RULES)


@given(WISHES, SITUATIONS, EFFECTS)
def test_each_reason_comes_once_with_words(wish: Wish, at: Situation, predicted: PredictedEffect | None) -> None:
    reasons = check_move(wish, at, predicted, RULES)
    assert len({r.code for r in reasons}) == len(reasons)
    assert all(r.text for r in reasons)


@given(st.floats(15, 65), SITUATIONS)
def test_a_renewal_that_passes_moves_nothing(value_m: float, at: Situation) -> None:
    if not check_renewal(value_m, at, RULES):
        assert at.current_m is not None
        assert abs(value_m - at.current_m) <= RULES.same_m
        assert ACTUATOR.min_m <= value_m <= ACTUATOR.max_m
        assert not at.pending


@pytest.mark.parametrize(
    ("wish", "situation", "lowest", "expected"),
    [
        (39.0, GOOD, 25.0, []),
        (42.0, GOOD, 25.0, []),
        (60.5, replace(GOOD, current_m=60.0, outlet_m=60.0), 25.0, ["above_limit"]),
        (19.5, replace(GOOD, current_m=20.0), 25.0, ["below_limit"]),
        (42.5, GOOD, 25.0, ["ramp_up"]),
        (38.5, GOOD, 25.0, ["ramp_down"]),
        (39.0, replace(GOOD, last_move_at=START - timedelta(seconds=239)), 25.0, ["too_soon"]),
        (39.0, GOOD, 19.9, ["below_min_pressure"]),
        (41.0, GOOD, 19.0, []),  # raising is what helps
        (39.0, GOOD, None, ["no_prediction"]),
        (39.0, GOOD, math.nan, ["below_min_pressure"]),
        (39.0, replace(GOOD, observed_at=START - timedelta(seconds=901)), 25.0, ["stale_data"]),
        (39.0, replace(GOOD, observed_at=START + timedelta(seconds=121)), 25.0, ["future_data"]),
        (39.0, replace(GOOD, observed_at=None), 25.0, ["no_data"]),
        (39.0, replace(GOOD, current_m=None), 25.0, ["unknown_setpoint"]),
        (39.0, replace(GOOD, unresolved_since=START), 25.0, ["unresolved_command"]),
        (39.0, replace(GOOD, pending=(any_command(),)), 25.0, ["command_pending"]),
        (41.0, replace(GOOD, outlet_m=37.9), 25.0, ["far_above_outlet"]),
        (41.0, replace(GOOD, outlet_m=None), 25.0, ["no_outlet"]),
    ],
)
def test_each_interlock_alone(wish: float, situation: Situation, lowest: float | None, expected: list[str]) -> None:
    assert codes(wish, situation, lowest) == expected


def test_all_reasons_are_given_not_only_the_first() -> None:
    late = replace(GOOD, observed_at=START - timedelta(hours=1), last_move_at=START, pending=(any_command(),))
    assert codes(10.0, late, 5.0) == [
        "below_limit",
        "ramp_down",
        "too_soon",
        "below_min_pressure",
        "stale_data",
        "command_pending",
    ]


def test_the_words_carry_numbers_and_units() -> None:
    (reason,) = check_move(Wish(value_m=42.5, source=Source.LAW), GOOD, effect(25.0), RULES)
    assert reason.text == "a step of +2.50 m from 40.00 m passes the largest rise of 2.00 m"


def test_an_operator_goes_before_a_law_that_is_under_way() -> None:
    under_way = replace(GOOD, pending=(any_command(source=Source.LAW),))
    assert codes(39.0, under_way, source=Source.OPERATOR) == []
    assert codes(39.0, under_way, source=Source.LAW) == ["command_pending"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    assert "not_finite" in codes(value)


@pytest.mark.parametrize("mode", Mode)
def test_modes(mode: Mode) -> None:
    assert (check_mode(Source.LAW, mode) is None) == (mode is Mode.AUTO)
    assert (check_mode(Source.RENEWAL, mode) is None) == (mode in (Mode.AUTO, Mode.MANUAL))
    assert check_mode(Source.OPERATOR, mode) is None
