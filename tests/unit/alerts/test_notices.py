"""Who is told of what, and when: escalation, quiet hours, zones, and nothing twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.links import LIFETIME, make_link, read_link
from alerts.notices import after_quiet, daily_tests, notices_of, retry_at, wants
from alerts.recipients import NotifyPlan, Recipient, Step, parse_plan
from domain.alerts import Alert, AlertState, Priority
from domain.errors import ConfigurationError
from domain.notices import NoticeKind
from domain.tables import Table
from domain.zones import Zone, ZoneKind

NOW = datetime(2026, 5, 6, 1, 30, tzinfo=UTC)  # 02:30 in Casablanca
LOCAL = ZoneInfo("Africa/Casablanca")
ZONES = {
    "town": Zone(key="town", kind=ZoneKind.COMMUNE, names={}),
    "medina": Zone(key="medina", kind=ZoneKind.DMA, names={}, parent="town"),
    "oued": Zone(key="oued", kind=ZoneKind.DMA, names={}, parent="town"),
}
CREW = Recipient(key="crew", channel="sms", zones=frozenset({"medina"}), quiet=(time(22), time(6)))
DUTY = Recipient(key="duty", channel="sms", language="en", zones=frozenset({"town"}), least=Priority.HIGH)
PLAN = NotifyPlan(recipients={"crew": CREW, "duty": DUTY}, steps=(Step(to=("crew",)), Step(to=("duty",), after_min=15)))
ALERT = Alert(
    key="leak:medina:x",
    code="leak.burst",
    zone="medina",
    priority=Priority.HIGH,
    state=AlertState.UNACKNOWLEDGED,
    raised_at=NOW,
    updated_at=NOW,
)


def told(alert: Alert = ALERT, action: str = "raised") -> dict[str, datetime]:
    return {n.recipient: n.due_at for n in notices_of(alert, action, PLAN, ZONES, LOCAL)}


def test_an_urgent_alert_goes_to_the_crew_at_once_and_on_if_nobody_looks() -> None:
    assert told() == {"crew": NOW, "duty": NOW + timedelta(minutes=15)}


def test_what_can_wait_waits_for_the_morning_and_is_not_escalated_to_who_wants_the_urgent_alone() -> None:
    assert told(replace(ALERT, priority=Priority.MEDIUM)) == {"crew": datetime(2026, 5, 6, 5, 0, tzinfo=UTC)}  # 06:00 local


def test_other_zones_are_not_this_crews_business() -> None:
    assert set(told(replace(ALERT, zone="oued"))) == {"duty"}
    assert set(told(replace(ALERT, zone=None))) == {"crew", "duty"}
    assert wants(DUTY, replace(ALERT, zone="oued"), ZONES)


def test_a_place_that_is_known_by_now_is_told_to_who_was_told_first_and_not_escalated_anew() -> None:
    assert told(action="placed") == {"crew": NOW}
    assert told(replace(ALERT, state=AlertState.ACKNOWLEDGED), "placed") == {}


@pytest.mark.parametrize("action", ["updated", "acknowledged", "shelved"])
def test_nobody_is_told_of_what_asks_for_nothing(action: str) -> None:
    assert told(action=action) == {}


def test_an_update_makes_no_new_keys_a_new_raise_does() -> None:
    first = {n.key for n in notices_of(ALERT, "raised", PLAN, ZONES, LOCAL)}
    again = {n.key for n in notices_of(ALERT, "raised", PLAN, ZONES, LOCAL)}
    later = replace(ALERT, raised_at=NOW + timedelta(hours=1), updated_at=NOW + timedelta(hours=1))
    anew = {n.key for n in notices_of(later, "raised", PLAN, ZONES, LOCAL)}
    assert first == again
    assert not first & anew


def test_the_end_is_told_outside_quiet_hours() -> None:
    over = replace(ALERT, state=AlertState.NORMAL)
    found = notices_of(over, "returned", PLAN, ZONES, LOCAL)
    assert {(n.recipient, n.kind) for n in found} == {("crew", NoticeKind.RETURNED), ("duty", NoticeKind.RETURNED)}
    assert next(n for n in found if n.recipient == "crew").due_at > NOW


@given(
    minute=st.integers(0, 3 * 1440),
    quiet=st.tuples(st.times(), st.times()).map(lambda t: (t[0].replace(microsecond=0), t[1].replace(microsecond=0))),
)
def test_after_quiet_is_never_before_and_never_inside(minute: int, quiet: tuple[time, time]) -> None:
    recipient = replace(CREW, quiet=quiet)
    moment = NOW + timedelta(minutes=minute)
    due = after_quiet(moment, recipient, Priority.LOW, LOCAL)
    assert moment <= due <= moment + timedelta(hours=25)
    clock = due.astimezone(LOCAL).time()
    start, end = quiet
    if start != end:
        inside = start <= clock < end if start < end else clock >= start or clock < end
        assert not inside
    assert after_quiet(moment, recipient, Priority.HIGH, LOCAL) == moment


def test_daily_tests_are_due_once_a_day() -> None:
    plan = NotifyPlan(recipients={"crew": replace(CREW, daily_test=time(8))})
    before, after = datetime(2026, 5, 6, 6, 59, tzinfo=UTC), datetime(2026, 5, 6, 7, 1, tzinfo=UTC)
    assert daily_tests(plan, before, LOCAL) == ()
    (one,) = daily_tests(plan, after, LOCAL)
    assert [n.key for n in daily_tests(plan, after + timedelta(hours=5), LOCAL)] == [one.key]
    assert retry_at(1, NOW) - NOW == timedelta(minutes=1)
    assert retry_at(9, NOW) - NOW == timedelta(minutes=15)


def test_a_link_is_good_for_its_notice_and_nobody_elses() -> None:
    (notice, *_) = notices_of(ALERT, "raised", PLAN, ZONES, LOCAL)
    token = make_link(notice, NOW, b"k" * 32)
    link = read_link(token, NOW, b"k" * 32)
    assert link is not None
    assert (link.recipient, link.alert, link.raised_at) == ("crew", ALERT.key, NOW)
    assert read_link(token, NOW, b"x" * 32) is None
    assert read_link(token, NOW + LIFETIME + timedelta(seconds=1), b"k" * 32) is None


@given(position=st.integers(0, 400), sign=st.characters(codec="ascii", exclude_characters="\x00"))
def test_a_changed_link_says_nothing(position: int, sign: str) -> None:
    (notice, *_) = notices_of(ALERT, "raised", PLAN, ZONES, LOCAL)
    token = make_link(notice, NOW, b"k" * 32)
    place = position % len(token)
    changed = token[:place] + sign + token[place + 1 :]
    assert changed == token or read_link(changed, NOW, b"k" * 32) is None


GOOD = {
    "console_url": "https://c.example/",
    "channel": {"sms": {"url_file": "sms.url"}},
    "recipient": [{"key": "crew", "channel": "sms", "zones": ["medina"], "quiet": ["22:00", "06:00"], "daily_test": "08:00"}],
}


def test_a_plan_without_steps_tells_everybody_at_once(tmp_path: Path) -> None:
    plan = parse_plan(Table.root("notify.toml", GOOD), tmp_path, ZONES)
    assert plan.steps == (Step(to=("crew",)),)
    assert plan.console_url == "https://c.example"
    (tmp_path / "sms.url").write_text("json://127.0.0.1:1/\n")
    assert plan.channels["sms"].url() == "json://127.0.0.1:1/"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"channel": {"sms": {"url": "json://secret"}}}, "channel.sms.url"),
        ({"channel": {"sms": {}}}, "channel.sms.url_file"),
        ({"recipient": [{"key": "crew", "channel": "smss"}]}, "recipient[0].channel"),
        ({"recipient": [{"key": "crew", "channel": "sms", "zones": ["nowhere"]}]}, "recipient[0].zones"),
        ({"recipient": [{"key": "crew", "channel": "sms", "quiet": ["22:00"]}]}, "recipient[0].quiet"),
        ({"recipient": [{"key": "crew", "channel": "sms", "daily_test": "8 o'clock"}]}, "recipient[0].daily_test"),
        ({"step": [{"to": ["nobody"]}]}, "step[0].to"),
    ],
)
def test_what_is_wrong_in_the_plan_is_named(tmp_path: Path, change: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_plan(Table.root("notify.toml", GOOD | change), tmp_path, ZONES)
    assert key in str(caught.value)


def test_an_address_that_is_not_there_is_named_without_being_shown(tmp_path: Path) -> None:
    plan = parse_plan(Table.root("notify.toml", GOOD | {"channel": {"sms": {"url_env": "SMS"}}}), tmp_path, ZONES)
    with pytest.raises(ConfigurationError, match=r"channel\.sms\.url_env"):
        plan.channels["sms"].url({})
