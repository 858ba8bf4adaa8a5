from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from console.snapshot import Snapshot, build_snapshot
from console.wire import document, line
from domain.alerts import Alert
from domain.ports import GatewayNow, ZoneNow
from domain.setpoints import ActuatorState, Mode
from tests.support.console_past import NOW, past_alerts
from tests.support.console_services import demo_inventory


def zone_row(zone: str, **changes: Any) -> ZoneNow:
    row = ZoneNow(
        zone=zone, inflow_m3h=50.0, inflow_at=NOW - timedelta(seconds=60), night_flow_m3h=10.0, night=date(2026, 5, 6),
        critical_m=25.0, critical_at=NOW - timedelta(seconds=60), suspect=False,
    )  # fmt: skip
    return replace(row, **changes)


def actuator_state(key: str, **changes: Any) -> ActuatorState:
    state = ActuatorState(
        actuator=key, mode=Mode.AUTO, mode_until=None, owner="law", owner_token=1, setpoint_m=36.0, outlet_m=36.0, inlet_m=55.0,
        flow_m3h=50.0, observed_at=NOW - timedelta(seconds=60),
    )  # fmt: skip
    return replace(state, **changes)


def snapshot(zones: list[ZoneNow], states: dict[str, ActuatorState] | None = None) -> Snapshot:
    return build_snapshot(
        number=1, now=NOW, local=ZoneInfo("Africa/Casablanca"), inventory=demo_inventory(), zones=zones, states=states or {},
        alerts=past_alerts(), commands=(), stale_after_s=900,
        gateways=[GatewayNow(edge="demo/a", online=True, since=None, last_block_at=None, rows_stored=1, dead_letters=0, missing=0)],
    )  # fmt: skip


def test_totals() -> None:
    found = snapshot([zone_row("medina"), zone_row("oued", night_flow_m3h=None)], {"prv_medina": actuator_state("prv_medina")})
    assert found.inflow_m3h == 100.0
    assert found.night_flow_m3h is None, "a sum without one of its parts would be a lie"
    assert (found.actuators_auto, found.gateways, found.gateways_online, found.gateways_offline) == (1, 1, 1, 0)
    assert (found.open_alerts, found.unseen_alerts, found.worst) == (3, 2, 1)
    assert found.now_local == "2026-05-06T10:24:00"


def test_a_zone_and_its_alerts() -> None:
    view = snapshot([zone_row("medina"), zone_row("oued"), zone_row("plateau")]).zone
    medina, oued, plateau = view("medina"), view("oued"), view("plateau")
    assert medina is not None
    assert oued is not None
    assert plateau is not None
    assert (medina.worst, medina.open_alerts, medina.unseen_alerts) == (1, 1, 1)
    assert (oued.worst, oued.open_alerts, oued.unseen_alerts) == (2, 1, 0)
    assert (plateau.worst, plateau.open_alerts) == (None, 0), "a closed alert is over"


@pytest.mark.parametrize(("age_s", "stale"), [(0, False), (900, False), (901, True), (-30, False)])
def test_stale_is_older_than_the_limit(age_s: int, stale: bool) -> None:
    at = NOW - timedelta(seconds=age_s)
    found = snapshot([zone_row("medina", inflow_at=at)], {"prv_medina": actuator_state("prv_medina", observed_at=at)})
    assert found.zones[0].stale is stale
    assert found.actuators[0].stale is stale


def test_what_was_never_seen_is_stale() -> None:
    found = snapshot(
        [zone_row("medina", inflow_m3h=None, inflow_at=None, critical_m=None, critical_at=None)],
        {"prv_medina": actuator_state("prv_medina", observed_at=None)},
    )
    assert found.zones[0].stale
    assert found.zones[0].critical_stale
    assert found.actuators[0].stale
    assert found.data_age_s is None


def test_below_the_minimum_only_while_fresh() -> None:
    low = zone_row("medina", critical_m=19.9)
    assert snapshot([low]).zones[0].below_minimum
    assert snapshot([low]).zones_below == 1
    assert snapshot([low]).zones_judged == 1
    old = snapshot([replace(low, critical_at=NOW - timedelta(hours=1))])
    assert not old.zones[0].below_minimum
    assert old.zones_judged == 0, "nothing is said of a zone whose pressure is old"
    assert not snapshot([replace(low, critical_m=20.0)]).zones[0].below_minimum


def test_zones_the_inventory_does_not_know_are_left_out() -> None:
    assert [z.key for z in snapshot([zone_row("atlantis"), zone_row("medina")]).zones] == ["medina"]


def test_the_json_is_json_even_when_a_sensor_says_nan() -> None:
    nan = float("nan")
    found = snapshot(
        [zone_row("medina", inflow_m3h=nan, critical_m=float("inf"))],
        {"prv_medina": actuator_state("prv_medina", outlet_m=nan, mode_until=NOW, mode=Mode.MANUAL)},
    )
    sent = json.loads(line(document(found)), parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))
    assert sent["zones"]["medina"]["inflow_m3h"] is None
    assert sent["zones"]["medina"]["critical_m"] is None
    assert sent["actuators"]["prv_medina"]["outlet_m"] is None
    assert sent["actuators"]["prv_medina"]["mode_until"] == int(NOW.timestamp())


def test_the_versions_change_with_what_they_stand_for() -> None:
    inventory, local = demo_inventory(), ZoneInfo("UTC")

    def version(alerts: list[Alert]) -> str:
        return build_snapshot(
            number=1, now=NOW, local=local, inventory=inventory, zones=(), states={}, alerts=alerts, gateways=(), commands=(),
            stale_after_s=900,
        ).alerts_version  # fmt: skip

    alerts = past_alerts()
    assert version(alerts) == version(past_alerts())
    assert len({version(alerts), version(alerts[1:]), version([replace(alerts[0], updated_at=NOW), *alerts[1:]])}) == 3
