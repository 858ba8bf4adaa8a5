"""What a long work writes, draws and says on the way."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from app.leak_output import check_file, check_folder, whole_folder, write_whole
from app.leaks_drawing import CLAIMED, SEEN, USUAL, Clock, Line, Panel, Plan
from app.leaks_plot import draw, finding_picture
from app.leaks_progress import shown_progress
from app.leaks_svg import svg_of
from app.leaks_table import BESIDE, SINGLE, WORDS, explain_text, finding_document, one_line, read_finding
from domain.errors import ConfigurationError
from domain.findings import ConfidenceRegion, Evidence, Finding, FindingKind, RankedPlace

SINCE = datetime(2026, 3, 10, 2, tzinfo=UTC)
LEAK = Finding(
    key="leak:p1", kind=FindingKind.BURST, zone="z", detector="zone_balance", since=SINCE, found_at=SINCE.replace(day=12),
    flow_m3h=4.0, flow_error_m3h=0.5, confidence=0.9, money_a_day=307.2, co2_kg_a_day=37.44,
    evidence=(
        Evidence(name="zone_balance", observed=7.0, expected=3.0, sd=1.0, unit="m3/h"),
        Evidence(name="meter_coverage", observed=0.8, expected=1.0, sd=0.0, unit="1"),
        Evidence(name="gauge:n4", observed=-0.1234, expected=0.0, sd=0.0123, unit="m"),
        Evidence(name="place_fit", observed=0.86, expected=0.0, sd=0.0, unit="1"),
    ),
    places=(RankedPlace(pipe="p1", probability=0.7),),
    region=ConfidenceRegion(probability=0.9, radius_m=150.0, pipes=("p1", "p2")),
)  # fmt: skip


def test_a_set_that_is_interrupted_leaves_the_one_before_and_a_whole_one_takes_its_place(tmp_path: Path) -> None:
    def written(*names: str) -> list[str]:
        with whole_folder(tmp_path, gone=("truth/some.csv",)) as part:
            (part / "truth").mkdir()
            for name in names:
                (part / name).write_text(",".join(names))
            if "stop" in names:
                raise KeyboardInterrupt
        return names_in()

    def names_in() -> list[str]:
        return sorted(f.relative_to(tmp_path).as_posix() for f in tmp_path.rglob("*") if f.is_file())

    (tmp_path / "mine.txt").write_text("stays")
    assert written("a.npz", "truth/some.csv") == ["a.npz", "mine.txt", "truth/some.csv"]
    with pytest.raises(KeyboardInterrupt):
        written("a.npz", "b.npz", "stop")
    assert names_in() == ["a.npz", "mine.txt", "truth/some.csv"]
    assert (tmp_path / "a.npz").read_text() == "a.npz,truth/some.csv"
    assert written("a.npz", "truth/other.csv") == ["a.npz", "mine.txt", "truth/other.csv"]
    assert {p.name for p in tmp_path.iterdir()} == {"a.npz", "mine.txt", "truth"}
    with pytest.raises(ConfigurationError, match="room to write it"), whole_folder(tmp_path):
        raise OSError(28, "No space left on device")


def a_panel(peak: float = 8.0, day: int = 5, unit: str = "m³/h") -> Panel:
    times = SINCE.timestamp() + 86400.0 * np.arange(-20, 20, dtype=np.float64)
    values = np.where(times >= SINCE.timestamp(), 7.0, 3.0)
    values[day] = peak
    usual, lost = np.full(40, 3.0), np.where(times >= SINCE.timestamp(), 7.0, np.nan)
    lines = (
        Line(label="balance", role=SEEN, values=values),
        Line(label="usual", role=USUAL, values=usual),
        Line(label="told", role=CLAIMED, values=lost),
    )
    return Panel(title="Leakage", unit=unit, times_s=times, lines=lines, half_width=0.5)


def test_where_nothing_can_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="the name of a file"):
        check_file(tmp_path, "--out")
    with pytest.raises(ConfigurationError, match="--plots"):
        check_folder(tmp_path / "file" / "below", "--plots")
    check_file(tmp_path / "new" / "alarms.csv", "--out")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.csv", "one\n")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a.csv", "half \ud800")
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "one\n"


def test_how_far_it_is_comes_in_lines_now_and_then() -> None:
    out, seconds = io.StringIO(), iter((0.0, 1.0, 11.0, 12.0, 30.0))
    with shown_progress(Console(file=out), clock=lambda: next(seconds)) as seen:
        for day in (1, 2, 3, 4):
            seen(f"day {day} of 4", day, 4)
    assert out.getvalue().splitlines() == ["day 2 of 4: 50%", "day 4 of 4: 100%"]


def test_an_explanation_has_units_signs_and_in_whose_time() -> None:
    text = explain_text(LEAK, "MAD", Clock(timezone="Africa/Casablanca"))
    assert "since         2026-03-10 02:00 (time of Africa/Casablanca)" in text, "Ramadan: Morocco is at UTC"
    assert "48 h after, by the balance of inflow and customers' meters (zone_balance)" in text
    assert "4.00 ± 0.50 m³/h, one standard error (96 ± 12 m³ a day)" in text
    assert "307 MAD, 37.4 kg CO₂" in text
    assert "7.00 / 3.00 ± 1.00 m³/h, 4.0 sd away" in text
    assert "-0.123 / 0.000 ± 0.012 m, 10.0 sd away" in text
    coverage, fit = (next(line for line in text.splitlines() if name in line) for name in ("meter_coverage", "place_fit"))
    assert "sd away" not in coverage + fit
    assert "0.86   " in fit
    assert "leak:p1" in one_line(LEAK, Clock())


def test_what_is_no_leak_claims_no_flow_place_or_cost() -> None:
    fault = Finding(
        key="balance:z", kind=FindingKind.METER_FAULT, zone="z", detector="zone_balance", since=SINCE, found_at=SINCE, flow_m3h=0.0,
        flow_error_m3h=0.8, confidence=0.9, cause="slope",
    )  # fmt: skip
    text = explain_text(fault)
    assert "no loss is claimed" in text
    assert not any(word in text for word in ("m³/h", "place", "cost"))


def test_a_confidence_is_never_told_as_certain() -> None:
    sure = replace(LEAK, confidence=0.9993)
    title = finding_picture(sure, (a_panel(),), None, Clock()).title
    assert all(">99%" in said and "100%" not in said for said in (explain_text(sure), one_line(sure, Clock()), title))
    assert "confidence 90%" in finding_picture(LEAK, (a_panel(),), None, Clock()).title


def test_every_evidence_has_words() -> None:
    assert set(WORDS) >= BESIDE | SINGLE


def test_a_finding_and_what_is_drawn_come_back_from_json() -> None:
    finding, (panel,) = read_finding(finding_document(LEAK, (a_panel(),)))
    assert finding == LEAK
    assert [line.role for line in panel.lines] == [SEEN, USUAL, CLAIMED]
    np.testing.assert_allclose(panel.lines[2].values, a_panel().lines[2].values)


def test_a_rare_peak_does_not_flatten_the_rest() -> None:
    assert a_panel(peak=500.0).limits()[1] < 10
    assert a_panel(peak=8.0).limits() == (2.5, 8.0)


def test_a_burst_that_is_itself_the_peak_is_drawn_whole() -> None:
    peak = a_panel(peak=500.0, day=21)
    picture = finding_picture(LEAK, (peak,), None, Clock())
    assert peak.limits(picture.whole_s)[1] == 500.0
    slow = finding_picture(replace(LEAK, since=SINCE.replace(day=1)), (peak,), None, Clock())
    assert peak.limits(slow.whole_s)[1] < 10


def test_a_plain_ratio_has_no_unit_at_its_axis() -> None:
    assert ">Leakage<" in svg_of(finding_picture(LEAK, (a_panel(unit="1"),), None, Clock()))


def test_a_picture_has_axes_with_units_the_moments_and_the_pipes(tmp_path: Path) -> None:
    plan = Plan(pipes={"p1": (0, 0, 1, 1), "p2": (1, 1, 2, 1)}, gauges={"n4": (0.5, 0.5)})
    picture = finding_picture(LEAK, (a_panel(),), plan, Clock())
    svg = svg_of(picture)
    for words in (
        "Leakage [m³/h]",
        "dashed: since, full: found",
        "90% within 150 m of p1",
        ">n4<",
        "local time of the recording",
    ):
        assert words in svg
    draw(picture, tmp_path / "one.svg")
    assert (tmp_path / "one.svg").read_text(encoding="utf-8") == svg
    with pytest.raises(ConfigurationError, match=r"\.svg or \.png"):
        draw(picture, tmp_path / "one.pdf")
