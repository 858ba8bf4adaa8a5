from __future__ import annotations

import math

import pytest

from domain.factors import Factor, LeakFactors
from domain.points import PointKey
from pressure_control.effect import Present, predict_effect
from pressure_control.leak_response import Exponent
from pressure_control.learning import HeadLoss, ValveModel
from tests.support.toy_zone import ToyTown

TOWN = ToyTown(days=1)
VALVE, ZONE = TOWN.actuator("medina"), TOWN.zone("medina")
P1, P2 = ZONE.critical_points
PRESENT = Present(setpoint_m=38.0, outlet_m=38.2, flow_m3h=60.0, critical_m={P1: 31.2, P2: 28.2})


def loss(point: PointKey, static: float) -> HeadLoss:
    return HeadLoss(point=point, static_m=static, resistance=0.0, sd_m=0.1, band_flows_m3h=(), band_margins_m=(0.3,))


MODEL = ValveModel(
    actuator=VALVE.key, from_s=0, until_s=1, samples=1, losses=(loss(P1, 7.0), loss(P2, 11.0)), profile_m3h=(1.0,) * 288
)


def test_critical_pressures_move_with_the_outlet_not_with_the_old_setpoint() -> None:
    effect = predict_effect(VALVE, ZONE, 30.0, PRESENT)
    assert effect.critical_m == {P1: pytest.approx(23.0), P2: pytest.approx(20.0)}
    assert effect.lowest_m == pytest.approx(20.0)
    assert effect.current_m == 38.0


def test_customers_below_are_the_share_of_critical_points_below() -> None:
    assert predict_effect(VALVE, ZONE, 29.0, PRESENT).customers_below == 1000
    assert predict_effect(VALVE, ZONE, 20.0, PRESENT).customers_below == 2000
    assert predict_effect(VALVE, ZONE, 35.0, PRESENT).customers_below == 0


def test_leakage_follows_the_power_law_and_is_unknown_without_a_night_flow() -> None:
    assert predict_effect(VALVE, ZONE, 30.0, PRESENT).leakage_change_m3h is None
    saved = predict_effect(VALVE, ZONE, 30.0, PRESENT, night_leakage_m3h=15.0).leakage_change_m3h
    assert saved == pytest.approx(15.0 * ((21.5 / 29.7) ** 1.1 - 1.0), abs=0.01)
    more = predict_effect(VALVE, ZONE, 42.0, PRESENT, night_leakage_m3h=15.0).leakage_change_m3h
    assert more is not None
    assert more > 0
    at_night = predict_effect(VALVE, ZONE, 30.0, PRESENT, night_leakage_m3h=15.0, night_pressure_m=35.0).leakage_change_m3h
    assert at_night is not None
    assert saved is not None
    assert saved < at_night < 0


def test_a_silent_point_is_predicted_from_what_was_learned_and_the_basis_says_so() -> None:
    effect = predict_effect(
        VALVE, ZONE, 30.0, Present(setpoint_m=38.0, outlet_m=38.0, flow_m3h=60.0, critical_m={P1: 31.0}), model=MODEL
    )
    assert effect.critical_m == {P1: pytest.approx(23.0), P2: pytest.approx(19.0)}
    assert "1 critical points measured now, 1 from learned" in effect.basis


def test_nothing_known_is_said_plainly() -> None:
    effect = predict_effect(VALVE, ZONE, 30.0, Present(setpoint_m=None, outlet_m=None, flow_m3h=None))
    assert effect.critical_m == {}
    assert effect.lowest_m is None
    assert effect.customers_below == 0
    assert "nothing can be said" in effect.basis


def test_energy_and_carbon_have_both_signs_and_leakage_an_error() -> None:
    factors = LeakFactors(
        energy=Factor(value=0.5, unit="kWh/m³", year=2025, source="a test"),
        carbon=Factor(value=0.6, unit="kg/kWh", year=2025, source="a test"),
    )
    n1 = Exponent(value=1.0, error=0.2, steps=40)
    lower = predict_effect(VALVE, ZONE, 30.0, PRESENT, night_leakage_m3h=15.0, n1=n1, factors=factors)
    higher = predict_effect(VALVE, ZONE, 42.0, PRESENT, night_leakage_m3h=15.0, n1=n1, factors=factors)
    for effect, sign in ((lower, -1), (higher, 1)):
        assert effect.leakage_change_m3h is not None
        assert effect.energy_change_kwh_day is not None
        assert effect.energy_change_kwh_day == pytest.approx(12.0 * effect.leakage_change_m3h, abs=0.1)
        assert effect.co2_change_kg_day == pytest.approx(0.6 * effect.energy_change_kwh_day, abs=0.1)
        assert math.copysign(1, effect.energy_change_kwh_day) == sign
        assert effect.leakage_change_error_m3h is not None
        assert 0.0 < effect.leakage_change_error_m3h < abs(effect.leakage_change_m3h)
    assert "(1.00 ± 0.20), from 40" in lower.basis
    assert predict_effect(VALVE, ZONE, 29.0, PRESENT).customer_minutes_below_day == 1_440_000
    assert higher.customer_minutes_below_day == 0
    assert predict_effect(VALVE, ZONE, 30.0, PRESENT, night_leakage_m3h=15.0).energy_change_kwh_day is None
