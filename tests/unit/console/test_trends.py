from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from console.trends import align, inflow_lines, sparkline, zone_trend
from domain.points import PointKey
from domain.series import Series
from tests.support.console_past import NOW
from tests.support.console_services import console_world, demo_inventory


def series(seconds: list[int], values: list[float]) -> Series:
    times = (np.array(seconds) * 1000).astype("datetime64[ms]")
    return Series(point=PointKey("p"), times=times, values=np.array(values, float), quality=np.zeros(len(values), np.int16))


def test_values_find_their_place_on_the_grid() -> None:
    grid = np.array([0.0, 300.0, 600.0, 900.0])
    found = align(series([300, 900, 1200, -300], [1.0, 2.0, 9.0, 9.0]), grid, 300)
    np.testing.assert_array_equal(found, [np.nan, 1.0, np.nan, 2.0])
    assert np.isnan(align(None, grid, 300)).all()
    assert align(series([0], [1.0]), np.array([]), 300).size == 0


async def test_net_inflow_takes_off_what_a_cascaded_zone_takes() -> None:
    world = await console_world()
    found = await zone_trend(world.town, demo_inventory(), "plateau", end=NOW, hours=2, step_s=300)
    expected = [world.town.net_m3h("plateau", float(s)) for s in found.seconds]
    np.testing.assert_allclose(found.inflow_m3h, expected, rtol=1e-9)
    assert found.seconds.size == 25
    assert set(found.pressures_m) >= set(demo_inventory().zones["plateau"].critical_points)


async def test_a_missing_inlet_leaves_a_gap_not_a_wrong_sum() -> None:
    world = await console_world()
    real = world.town.series

    async def without(
        points: Sequence[PointKey], start: datetime, end: datetime, step_s: int | None = None
    ) -> dict[PointKey, Series]:
        found = await real(points, start, end, step_s)
        found.pop(PointKey("oued.inlet.flow"), None)
        return found

    world.town.series = without
    lines = await inflow_lines(world.town, demo_inventory().metered_zones(), end=NOW)
    assert np.isnan(lines["plateau"]).all()
    assert np.isfinite(lines["medina"]).any()


async def test_columns_are_json() -> None:
    world = await console_world()
    columns = (
        await zone_trend(world.town, demo_inventory(), "medina", end=NOW + timedelta(hours=1), hours=2, step_s=300)
    ).columns()
    assert columns["inflow_m3h"][-1] is None
    assert all(isinstance(s, int) for s in columns["seconds"])
    assert datetime.fromtimestamp(columns["seconds"][0], UTC).minute % 5 == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], ""),
        ([np.nan, np.nan], ""),
        ([0.0, 10.0], "M0.0 22.0L112.0 2.0"),
        ([10.0, np.nan, 10.0, 5.0], "M0.0 2.0M74.7 2.0L112.0 12.0"),
        ([-5.0, -5.0], "M0.0 22.0L112.0 22.0"),
    ],
)
def test_sparkline(values: list[float], expected: str) -> None:
    assert sparkline(np.array(values, float)) == expected
