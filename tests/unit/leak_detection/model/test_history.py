"""What loses nothing beside all the others is over or never was, where that can be known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leak_detection.model.history import HistorySettings, loses_nothing
from leak_detection.model.ledger_records import FlowToday, OpenLeak
from tests.support.pipe_line import open_leak, pipe_line


def _fitted(glr: float, flow_m3h: float, error_m3h: float) -> OpenLeak:
    """Seen to lose 8 m³/h."""
    leak = replace(open_leak(pipe_line(error=0.1), 10, 8.0, 30), glr=glr)
    leak.today = FlowToday(day=365, flow_m3h=flow_m3h, error_m3h=error_m3h)
    return leak


@pytest.mark.parametrize(
    ("glr", "flow_m3h", "error_m3h", "expected"),
    [
        (50.0, 0.0, 1.0, True),
        (50.0, 0.0, 7.0, True),  # neither clear nor known
        (300.0, 0.0, 1.0, True),
        (300.0, 0.0, 4.1, False),  # its neighbour has taken its flow
        (300.0, 0.7, 1.0, True),  # less than a tenth of what it was
        (300.0, 0.9, 1.0, False),
        (50.0, 0.9, 1.0, False),
    ],
)
def test_a_clear_leak_stands_unless_it_is_known_to_lose_nothing(
    glr: float, flow_m3h: float, error_m3h: float, expected: bool
) -> None:
    assert loses_nothing(_fitted(glr, flow_m3h, error_m3h), HistorySettings()) is expected


def test_what_was_not_fitted_is_not_known_to_lose_nothing() -> None:
    leak = _fitted(50.0, 0.0, 1.0)
    leak.today = None
    assert not loses_nothing(leak, HistorySettings())
