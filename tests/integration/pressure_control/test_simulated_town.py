"""Detection and control against the town's real hydraulics: every customer's pressure counts, not only the sensors'."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.findings import FindingKind
from simulator.faults import Burst
from tests.support.simulated_loop import INVENTORY, Run, past, run

LIVE = datetime(2026, 4, 21, 23, 30, tzinfo=UTC)
"""Half past midnight in Casablanca."""


def check_orders(result: Run) -> None:
    for advice in result.advice:
        actuator = INVENTORY.actuators[advice.actuator]
        assert actuator.min_m <= advice.value_m <= actuator.max_m


@pytest.mark.parametrize("seed", [3, 11, 21])
async def test_a_burst_is_found_and_less_is_lost_with_nobody_short(tmp_path: Path, seed: int) -> None:
    start = LIVE + timedelta(days=seed % 7)
    past(tmp_path, seed, start)
    fixed = await run(tmp_path, seed, "demo", 3.0, control=False)
    led = await run(tmp_path, seed, "demo", 3.0)
    assert led.customer_minutes_below == 0
    assert min(led.lowest_m.values()) > 20.5
    assert led.leak_m3 < 0.88 * fixed.leak_m3
    check_orders(led)
    (burst,) = [f for f in led.faults if isinstance(f, Burst)]
    (leak,) = led.findings
    assert leak.zone == burst.zone
    assert timedelta(0) < leak.found_at - burst.start <= timedelta(hours=1)


@pytest.mark.parametrize("law", ["learned_critical_point", "flow_modulated"])
async def test_a_quiet_day_has_no_finding_and_no_customer_short(tmp_path: Path, law: str) -> None:
    past(tmp_path, 5, LIVE)
    led = await run(tmp_path, 5, "quiet", 24.0, law=law)
    assert led.findings == []
    assert led.customer_minutes_below == 0
    assert led.orders <= 3 * 96
    check_orders(led)


async def test_two_sensors_four_metres_too_high_harm_nobody(tmp_path: Path) -> None:
    def bias(values: dict[str, float], minute: int) -> dict[str, float]:
        if minute >= 30:
            values["medina.critical1.pressure"] += 4.0
            values["plateau.critical1.pressure"] += 4.0
        return values

    past(tmp_path, 6, LIVE)
    led = await run(tmp_path, 6, "quiet", 12.0, spoil=bias)
    assert led.customer_minutes_below == 0


async def test_a_night_without_critical_points_and_a_burst_harm_nobody(tmp_path: Path) -> None:
    def silence(values: dict[str, float], minute: int) -> dict[str, float]:
        return {k: float("nan") if "critical" in k and minute >= 40 else v for k, v in values.items()}

    past(tmp_path, 7, LIVE)
    led = await run(tmp_path, 7, "demo", 10.0, spoil=silence)
    assert led.customer_minutes_below == 0
    check_orders(led)


async def test_a_stuck_meter_is_said_to_be_stuck(tmp_path: Path) -> None:
    past(tmp_path, 8, LIVE)
    led = await run(tmp_path, 8, "meter_stuck", 4.0)
    assert [f.kind for f in led.findings] == [FindingKind.METER_FAULT]
    assert led.findings[0].zone == "medina"
    assert led.customer_minutes_below == 0
