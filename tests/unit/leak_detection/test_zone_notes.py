"""An inflow that its zone's own meters contradict is told in words, a lossy zone is not."""

import numpy as np
import pytest

from leak_detection.zone_notes import contradictions

_USE = np.tile(10 + 5 * np.sin(np.arange(24) / 24 * 2 * np.pi), 30)[:, None]


@pytest.mark.parametrize(
    ("inflow", "word"),
    [(_USE / 3.6, "L/s"), (_USE * 1.4 * 3.6, "times"), (-_USE, "backwards"), (0 * _USE, "stands still")],
)
def test_what_cannot_be_is_said_with_the_zone(inflow, word):
    (said,) = contradictions(("old town",), inflow, _USE)
    assert "old town" in said
    assert word in said


def test_a_zone_that_loses_half_or_has_few_meters_is_not_accused():
    assert contradictions(("z",), 2.0 * _USE, _USE, {"z": 1.0}) == ()
    assert contradictions(("z",), 4.0 * _USE, _USE, {"z": 0.4}) == ()
    assert contradictions(("z",), np.full_like(_USE, np.nan), _USE) == ()
    assert contradictions(("z",), _USE, 0 * _USE) == ()
