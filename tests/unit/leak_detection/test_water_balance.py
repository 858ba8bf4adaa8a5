"""The balance adds up, bands never shrink, indicators have the right units, factors say where they come from."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.factors import Factor, LeakFactors
from leak_detection.water_balance import (
    Recoverable,
    Volume,
    WaterBalance,
    ili,
    measured,
    rank_by_yield,
    uarl_m3_day,
)

volumes = st.builds(lambda a, b: Volume(m3=a, band_m3=b), st.floats(0, 1e6), st.floats(0, 1e5))
_PARTS = ("billed_metered", "billed_unmetered", "unbilled_metered", "unbilled_unmetered", "unauthorised", "meter_error")
balances = st.builds(
    WaterBalance,
    days=st.floats(1, 366),
    inflow=volumes,
    outflow=volumes,
    storage_change=volumes,
    **dict.fromkeys(_PARTS, volumes),
)


@given(balances)
def test_every_drop_of_the_input_is_in_one_component(b):
    total = b.authorised.m3 + b.apparent_losses.m3 + b.real_losses.m3
    assert total == pytest.approx(b.system_input.m3, abs=1e-3)
    assert b.non_revenue.m3 == pytest.approx(b.losses.m3 + b.unbilled_metered.m3 + b.unbilled_unmetered.m3, abs=1e-3)


@given(balances)
def test_what_is_inferred_is_never_surer_than_what_it_rests_on(b):
    assert b.real_losses.band_m3 >= max(b.system_input.band_m3, b.authorised.band_m3) * (1 - 1e-12)


def test_a_known_case():
    b = WaterBalance(days=30, inflow=measured(10_000, 0.02), billed_metered=measured(7_000, 0.01), meter_error=measured(200, 0.5))
    assert b.non_revenue.m3 == 3_000
    assert b.real_losses.m3 == 2_800
    assert b.real_losses.band_m3 == pytest.approx(math.sqrt(200**2 + 70**2 + 100**2))
    assert b.system_yield == 0.7


def test_uarl_as_lambert_gives_it():
    assert uarl_m3_day(mains_km=100, connections=5_000, private_km=0, pressure_m=50) == pytest.approx(290.0)


def test_the_bands_of_a_published_audit_come_back():
    """San Francisco's water audit, million gallons a year: Thornton, Sturm and Kunkel, Water Loss Control (2008), table 7.5."""
    printed = {7_512.80: 9_553.7, 10_519.84: 18_732.1, 6_580.71: 7_330.2, 4_411.61: 3_294.3, 7.60: 0.0}
    sources = [Volume(m3=volume, band_m3=1.96 * math.sqrt(variance)) for volume, variance in printed.items()]
    assert sources[0].band_m3 / sources[0].m3 == pytest.approx(0.026, abs=0.001)
    entered = sum(sources[1:], start=sources[0])
    assert entered.m3 == pytest.approx(29_032.56)
    assert entered.band_m3 / entered.m3 == pytest.approx(0.013, abs=0.0005)
    assert (entered.band_m3 / 1.96) ** 2 == pytest.approx(38_910.3, rel=0.001)
    billed = Volume(m3=24_778.64, band_m3=1.96 * math.sqrt(20_237.7))
    b = WaterBalance(days=365, inflow=entered, billed_metered=billed)
    assert b.non_revenue.m3 == pytest.approx(4_253.92)
    assert (b.non_revenue.band_m3 / 1.96) ** 2 == pytest.approx(59_148.0, rel=0.001)
    assert b.non_revenue.band_m3 / b.non_revenue.m3 == pytest.approx(0.112, abs=0.0005)


def test_uarl_in_litres_is_the_one_that_americans_reckon_in_gallons():
    """AWWA M36: (5.41 Lm + 0.15 Nc + 7.5 Lp) P gallons a day, with miles and psi; its numbers are rounded to three figures."""
    mile_km, gallon_m3, psi_m = 1.609344, 0.003785412, 0.7030696
    theirs = (5.41 * 310.0 + 0.15 * 30_000 + 7.5 * 85.0) * 65.0 * gallon_m3
    ours = uarl_m3_day(mains_km=310 * mile_km, connections=30_000, private_km=85 * mile_km, pressure_m=65 * psi_m)
    assert ours == pytest.approx(theirs, rel=0.01)


@given(st.floats(1, 1e3), st.floats(1, 1e5), st.floats(0, 100), st.floats(20, 100))
def test_losses_at_the_unavoidable_have_an_index_of_one(km, connections, private, pressure):
    least = uarl_m3_day(mains_km=km, connections=connections, private_km=private, pressure_m=pressure)
    b = WaterBalance(days=365, inflow=Volume(m3=least * 365, band_m3=least * 36.5))
    index, band = ili(b, least)
    assert index == pytest.approx(1.0)
    assert band == pytest.approx(0.1)


def test_wrong_numbers_are_refused_with_their_value():
    with pytest.raises(ValueError, match="nan"):
        Volume(m3=math.nan)
    with pytest.raises(ValueError, match="0 days"):
        WaterBalance(days=0, inflow=Volume(m3=1))
    with pytest.raises(ValueError, match="mains_km = -1"):
        uarl_m3_day(mains_km=-1, connections=1, private_km=0, pressure_m=50)
    with pytest.raises(ValueError, match="source"):
        Factor(value=1, unit="kWh/m³", year=2025, source=" ")
    assert all(math.isnan(v) for v in ili(WaterBalance(days=1, inflow=Volume(m3=1)), 0.0))


def test_a_leak_costs_by_the_day():
    water = Factor(value=4.0, unit="MAD/m³", year=2025, source="budget")
    energy = Factor(value=0.5, unit="kWh/m³", year=2025, source="pump meters")
    carbon = Factor(value=0.7, unit="kg/kWh", year=2024, source="grid operator")
    factors = LeakFactors(water=water, energy=energy, carbon=carbon)
    assert factors.money_a_day(5.0) == 480.0
    assert factors.co2_kg_a_day(5.0) == pytest.approx(5 * 24 * 0.35)
    assert LeakFactors().money_a_day(5.0) is None


def test_zones_are_ranked_by_what_a_unit_of_money_recovers():
    a, b, c = (Recoverable(zone=z, m3_a_day=m, cost=k) for z, m, k in (("a", 10, 5), ("b", 100, 10), ("c", 1, 0)))
    assert rank_by_yield((a, b, c)) == (c, b, a)
