"""Recorded findings through the rules of the alarms."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.alarm_grouping import group_findings, read_findings, side_by_side
from app.cli import app
from app.leaks_table import finding_document
from domain.errors import ConfigurationError
from tests.support.alarm_town import burst

FOUND = [burst("a"), burst("b", 40), burst("c", 60 * 9), burst("d", 60 * 24 * 5)]


def test_areas_that_begin_in_one_hour_are_one_alarm_once_the_second_is_seen() -> None:
    found = group_findings(FOUND, side_by_side(FOUND))
    ((event, members),) = found.events
    assert [m.zone for m in members] == ["a", "b"]
    assert (event.code, found.findings) == ("event.flow", 4)
    assert found.told == 3, "the first of the two was told already; the event took its place without another call"
    assert group_findings([], {}).told == 0


def test_a_finding_that_ends_ends_its_alarm() -> None:
    again = [burst("a"), burst("a", 60 * 24 * 3, n=2)]
    assert again[1].found_at - again[0].found_at > timedelta(days=1)
    assert group_findings(again, side_by_side(again)).told == 2


def test_the_command_reads_what_a_replay_kept(tmp_path: Path) -> None:
    file = tmp_path / "findings.json"
    file.write_text(json.dumps({"findings": [finding_document(f) for f in FOUND]}))
    answer = CliRunner().invoke(app, ["alarms", "group", str(file)])
    assert answer.exit_code == 0, answer.output
    assert answer.output.splitlines()[0] == "4 findings, 3 alarms to the operator; 1 events for 2 of the findings"
    file.write_text("{}")
    with pytest.raises(ConfigurationError, match="leaks replay"):
        read_findings(file)
