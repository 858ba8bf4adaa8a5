from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from commands.interlocks import InterlockRules, Situation, Wish, check_move
from console.i18n import LANGUAGES, load_texts
from console.messages import alert_rows, alert_text, command_view, outcome_view, reason_text
from domain.alerts import Alert, AlertState, Priority
from domain.ports_commands import CommandRow
from domain.setpoints import Expired, Failed, Mode, Outcome, PredictedEffect, Reason, Refused, Source, Unknown, Verified
from tests.support.console_services import demo_inventory
from tests.support.desk import any_command

TEXTS = load_texts()
NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
LOCAL = ZoneInfo("Africa/Casablanca")


def refusals() -> list[Reason]:
    """What the desk's own rules say to a few bad wishes."""
    actuator = demo_inventory().actuators["prv_medina"]
    effect = PredictedEffect(
        actuator=actuator.key, value_m=30, current_m=36, critical_m={}, lowest_m=18.25, min_pressure_m=20, customers_below=149,
        leakage_change_m3h=None, basis="",
    )  # fmt: skip
    found: list[Reason] = []
    for value, current, age_s, moved_s in ((60, 36, 1200, 30), (10, 36, -500, None), (30, 36, 10, None), (42, 38, 10, None)):
        situation = Situation(
            actuator=actuator, mode=Mode.AUTO, now=NOW, current_m=current, outlet_m=36.0 if value != 42 else 30.0,
            observed_at=NOW - timedelta(seconds=age_s), last_move_at=None if moved_s is None else NOW - timedelta(seconds=moved_s),
            pending=(any_command(value_m=35.0, source=Source.OPERATOR),),
        )  # fmt: skip
        found += check_move(Wish(value_m=value, source=Source.OPERATOR), situation, effect, InterlockRules())
    return found


def test_the_desk_s_own_refusals_come_out_with_their_numbers() -> None:
    said = {r.code: reason_text(TEXTS["fr"], r) for r in refusals()}
    assert said["above_limit"] == "60,00 m dépasse la limite de 45,00 m."
    assert said["ramp_up"] == "Un pas de 4,00 m depuis 38,00 m dépasse la plus grande hausse de 2,00 m."
    assert said["below_min_pressure"].startswith(
        "La pression de service la plus basse serait de 18,25 m, sous le minimum de 20,00 m (149"
    )
    assert said["too_soon"] == "Le dernier mouvement date de 30 s ; il faut au moins 240 s entre deux."
    assert "future_data" in said
    assert "far_above_outlet" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_place_stays_empty(language: str) -> None:
    for reason in refusals():
        text = reason_text(TEXTS[language], reason)
        assert "{" not in text
        assert "…" not in text
        if language != "en":
            assert text != reason.text, reason.code


def test_an_unknown_code_shows_the_english_text() -> None:
    assert reason_text(TEXTS["ar"], Reason(code="brand_new", text="it is raining")) == "it is raining"
    assert reason_text(TEXTS["ar"], Reason(code="brand_new", text="")) == "brand_new"


def test_too_few_numbers_show_the_english_text() -> None:
    assert reason_text(TEXTS["fr"], Reason(code="above_limit", text="far too high")) == "far too high"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "outcome",
    [
        Verified(command_id="c", at=NOW, readback_m=36.5),
        Refused(command_id="c", at=NOW, by="gw", reasons=(Reason(code="ramp", text="a step of +3 m is more than 2 m upwards"),)),
        Expired(command_id="c", at=NOW),
        Failed(command_id="c", at=NOW, detail="old value", readback_m=None),
        Failed(command_id="c", at=NOW, detail="", readback_m=math.pi),
        Unknown(command_id="c", at=NOW, detail="no answer"),
    ],
)
def test_every_outcome_has_words(language: str, outcome: Outcome) -> None:
    view = outcome_view(TEXTS[language], outcome)
    assert view.title == TEXTS[language](f"outcome.{view.word}")
    assert view.lines
    assert view.good == isinstance(outcome, Verified)


def test_a_kept_command_tells_the_same() -> None:
    row = CommandRow(command=any_command(), state="failed", detail="old value", readback_m=30.0, finished_at=NOW)
    view = command_view(TEXTS["en"], row)
    assert (view.word, view.title, view.lines) == ("failed", "Failed", ("Read back from the site: 30.00 m.", "old value"))


def alert(key: str, **changes: Any) -> Alert:
    values: dict[str, object] = {
        "key": key, "code": "leak.burst", "zone": "medina", "priority": Priority.HIGH, "state": AlertState.UNACKNOWLEDGED,
        "raised_at": NOW, "updated_at": NOW, "parameters": {},
    }  # fmt: skip
    return Alert(**{**values, **changes})


def test_evidence_is_written_for_its_reader() -> None:
    parameters = {"flow": "21.5 m³/h", "flow_error": "±1.8 m³/h", "since": "2026-05-06T06:14Z", "detectors": "night_flow, other",
                  "weather_front": "rain", "detail": "read back 30.00 m"}  # fmt: skip
    found = dict(alert_text(TEXTS["fr"], alert("a", parameters=parameters), LOCAL).evidence)
    assert found == {
        "Perte": "21,5 m³/h", "Incertitude": "±1,8 m³/h", "Depuis": "2026-05-06 07:14", "Trouvée par": "débit de nuit, other",
        "weather front": "rain", "Détail": "read back 30.00 m",
    }  # fmt: skip


def test_of_two_leaks_in_a_zone_the_pipe_tells_which() -> None:
    found = alert_text(TEXTS["en"], alert("a", code="leak.burst", parameters={"pipe": "p7", "region": "p7 p8"}), LOCAL)
    assert found.title == "Sudden loss: probable burst · p7"
    assert found.evidence == (("Most probable pipe", "p7"),)


def test_an_alert_of_an_unknown_kind_shows_its_code() -> None:
    assert alert_text(TEXTS["ar"], alert("a", code="flood.biblical"), LOCAL).title == "flood.biblical"


def test_a_parameter_may_have_any_name() -> None:
    text = alert_text(
        TEXTS["en"], alert("a", code="gateway.offline", parameters={"key": "x", "self": "y", "subject": "demo/gw"}), LOCAL
    )
    assert text.title == "Gateway silent: demo/gw"


def test_unseen_come_first_then_the_worst_then_the_newest() -> None:
    rows = alert_rows(
        TEXTS["en"],
        [
            alert("seen", state=AlertState.ACKNOWLEDGED),
            alert("low", priority=Priority.LOW),
            alert("old", raised_at=NOW - timedelta(hours=1)),
            alert("new"),
        ],
        LOCAL,
    )
    assert [r.alert.key for r in rows] == ["new", "old", "low", "seen"]
