"""Turned valves as rows of a file and lines for people."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from app.leaks_drawing import Clock
from app.leaks_replay import Replayed
from app.leaks_run import ReplayOutputs, run_replay
from app.leaks_valves import valve_text, write_valves
from domain.errors import ConfigurationError
from domain.valves import ValveTurned

_DAY, _TOLD = datetime(2026, 5, 2, 23, 0, tzinfo=UTC), datetime(2026, 5, 4, 23, 0, tzinfo=UTC)
_KNOWN = ValveTurned(valve="PRV-1", day=_DAY, told_at=_TOLD, change_m=0.8, error_m=0.11, share=0.9934)
_UNKNOWN = ValveTurned(valve="PRV, west", day=_DAY, told_at=_TOLD, change_m=None, error_m=None, share=0.98)


def test_rows_are_in_the_time_of_the_recording(tmp_path):
    write_valves([_KNOWN, _UNKNOWN], tmp_path / "valves.csv", Clock(timezone="Africa/Lagos"))
    assert (tmp_path / "valves.csv").read_text().splitlines() == [
        "valve,day,change m,error m,share explained,issue time",
        "PRV-1,2026-05-03,0.80,0.11,0.993,2026-05-05 00:00",
        '"PRV, west",2026-05-03,,,0.980,2026-05-05 00:00',
    ]
    write_valves([], tmp_path / "none.csv", Clock())
    assert len((tmp_path / "none.csv").read_text().splitlines()) == 1


def test_a_line_says_how_much_or_that_nobody_knows():
    assert valve_text(_KNOWN, Clock()) == (
        "valve PRV-1 was turned on 2026-05-02, by +0.80 ± 0.11 m: settings explain 99.3% of what the gauges did "
        "(known 2026-05-04 23:00); it is no leak"
    )
    assert "PRV, west was turned on 2026-05-02, by how much and which way the gauges do not tell:" in valve_text(_UNKNOWN, Clock())


def test_a_replay_writes_and_prints_them_and_counts_them_in_its_summary(tmp_path, monkeypatch):
    town = Replayed(kind="network", zones=1, days=9.0, alarms=[], findings=[], valves=(_KNOWN, _UNKNOWN))
    monkeypatch.setattr("app.leaks_run.replay_dataset", lambda *_: town)
    console = Console(record=True, width=200)
    run_replay(tmp_path, ReplayOutputs(alarms=tmp_path / "a.csv", valves=tmp_path / "valves.csv"), console=console)
    *lines, last = console.export_text().splitlines()
    assert lines == [valve_text(_KNOWN, Clock()), valve_text(_UNKNOWN, Clock())]
    assert last.endswith("; 2 turns of pressure valves")
    assert (tmp_path / "valves.csv").read_text().count("\n") == 3


def test_a_place_where_they_cannot_be_written_is_refused_before_the_work(tmp_path):
    with pytest.raises(ConfigurationError, match="--valves"):
        run_replay(tmp_path, ReplayOutputs(alarms=tmp_path / "a.csv", valves=tmp_path), console=Console())
