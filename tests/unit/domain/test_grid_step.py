"""How wide a bucket must be."""

from __future__ import annotations

import pytest

from domain.grids import grid_step_s


@pytest.mark.parametrize(
    ("periods_s", "step_s"), [((), 300), ((60, 300), 300), ((60, 600), 900), ((900, 1800), 1800), ((60, 86400), 3600)]
)
def test_each_point_says_something_in_every_bucket(periods_s: tuple[int, ...], step_s: int) -> None:
    assert grid_step_s(periods_s) == step_s
