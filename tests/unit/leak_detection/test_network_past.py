"""What was hardly ever read is left out of the past that teaches."""

from __future__ import annotations

import numpy as np

from leak_detection.network_past import known_enough, silent


def test_gauges_that_were_hardly_ever_read_are_left_out_by_name() -> None:
    values = np.ones((100, 3))
    values[10:, 1] = np.nan
    kept = known_enough(values)
    assert kept.tolist() == [True, False, True]
    assert silent(("a", "b", "c"), kept) == ("b",)
