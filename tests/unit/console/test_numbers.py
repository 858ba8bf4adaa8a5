from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.numbers import NO_VALUE, clock_changes, clock_time, moment, number, parse_number, signed, utc_offset, whole
from domain.setpoints import Reason

CASES = [
    (1234.56, 1, "fr", "1\u202f234,6"), (1234.56, 1, "ar", "1\u202f234,6"), (1234.56, 1, "en", "1\u202f234.6"),
    (-0.04, 1, "en", "0.0"), (-0.05, 2, "fr", "\u22120,05"), (None, 1, "en", NO_VALUE), (float("nan"), 1, "fr", NO_VALUE),
    (float("-inf"), 1, "fr", NO_VALUE), (7.0, 0, "en", "7"), (1234567.0, 0, "en", "1\u202f234\u202f567"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "digits", "language", "expected"), CASES)
def test_number(value: float | None, digits: int, language: str, expected: str) -> None:
    assert number(value, digits, language) == expected


def test_signed() -> None:
    assert [signed(v, 1, "en") for v in (1.2, -1.2, 0.0, 0.01, None)] == ["+1.2", "\u22121.2", "0.0", "0.0", NO_VALUE]


def test_whole() -> None:
    assert [whole(v) for v in (None, 0, 412806)] == [NO_VALUE, "0", "412\u202f806"]


def test_local_time_follows_the_zone() -> None:
    at = datetime(2026, 5, 6, 9, 24, 5, tzinfo=UTC)
    casablanca = ZoneInfo("Africa/Casablanca")
    assert moment(at, casablanca) == "2026-05-06 10:24"
    assert clock_time(at, casablanca) == "10:24:05"
    assert moment(None, casablanca) == NO_VALUE


@pytest.mark.parametrize("text", ["42.5", "42,5", " 42,50 ", "٤٢٫٥", "42.5\u202f"])
def test_numbers_as_people_type_them(text: str) -> None:
    assert parse_number(text) == 42.5


@pytest.mark.parametrize("text", ["", "abc", "1e5", "nan", "inf", "0x10", "1.2.3", "--1", "42m", "1" * 30, "1_000"])
def test_what_is_no_number_is_refused_with_a_reason(text: str) -> None:
    found = parse_number(text)
    assert isinstance(found, Reason)
    assert found.code == "no_number"


@given(st.text())
def test_parsing_never_raises(text: str) -> None:
    found = parse_number(text)
    assert isinstance(found, float | Reason)


@given(st.floats(-1e6, 1e6), st.sampled_from(["fr", "ar", "en"]))
def test_what_is_shown_can_be_typed_back(value: float, language: str) -> None:
    shown = number(value, 2, language)
    found = parse_number(shown)
    assert isinstance(found, float)
    assert found == pytest.approx(value, abs=0.0051)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_browser_writes_the_same_numbers() -> None:
    source = (Path(__file__).parents[3] / "console/static/js/format.js").read_text("utf-8")
    source = re.sub(r"^export ", "", source, flags=re.MULTILINE)
    cases = [c for c in CASES if c[0] is None or (c[0] == c[0] and abs(c[0]) != float("inf"))]
    script = (
        "const out = [];\n"
        f"for (const [v, d, l] of {json.dumps([c[:3] for c in cases])}) {{\n"
        "  const document = { documentElement: { lang: l }, body: { dataset: {} } };\n"
        f"  out.push(new Function('document', {json.dumps(source + ';return number;')})(document)(v, d));\n"
        "}\nconsole.log(JSON.stringify(out));"
    )
    answer = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == [c[3] for c in cases]


@pytest.mark.parametrize(
    ("zone", "said"),
    [("Africa/Casablanca", "UTC+1"), ("UTC", "UTC"), ("America/St_Johns", "UTC\u22123:30"), ("Asia/Kolkata", "UTC+5:30")],
)
def test_which_clock_times_go_by(zone: str, said: str) -> None:
    assert utc_offset(datetime(2025, 1, 15, 12, tzinfo=UTC), ZoneInfo(zone)) == said


def test_the_local_clock_around_a_change() -> None:
    changes = clock_changes(datetime(2025, 3, 20, 9, 30, tzinfo=UTC), ZoneInfo("Europe/Paris"))
    assert [ahead for _, ahead in changes] == [3600, 7200]
    assert datetime.fromtimestamp(changes[1][0], UTC) == datetime(2025, 3, 30, 1, tzinfo=UTC)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_browser_goes_by_the_servers_clock_whatever_its_own_zones_say() -> None:
    source = (Path(__file__).parents[3] / "console/static/js/format.js").read_text("utf-8")
    source = re.sub(r"^export ", "", source, flags=re.MULTILINE)
    at = datetime(2025, 3, 30, 0, 59, tzinfo=UTC)
    changes = clock_changes(at, ZoneInfo("Europe/Paris"))
    body = {"dataset": {"clockChanges": json.dumps(changes)}}
    script = (
        f"const moment = new Function('document', {json.dumps(source + ';return moment;')})"
        f"({{ documentElement: {{ lang: 'en' }}, body: {json.dumps(body)} }});\n"
        f"console.log(moment({at.timestamp()}), moment({at.timestamp()} + 60));"
    )
    answer = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "2025-03-30 01:59 2025-03-30 03:00"
