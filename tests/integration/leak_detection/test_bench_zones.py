"""The zone layer over a labelled year, scored."""

import pytest

from app.bench_leaks import bench_set
from tests.support.shared_data import shared


@pytest.mark.slow
def test_the_zone_layer_keeps_its_scores(tmp_path):
    folder = shared("data", "dma-dev")
    result = bench_set(folder, folder / "truth", tmp_path / "alarms.csv")
    assert result["share_of_max"] >= 0.80
    assert result["strict_F1"] >= 0.72
    assert result["false_per_zone_month"] <= 0.10
    assert result["customers"]["found_7d"] >= 0.95
    assert result["customers"]["precision"] >= 0.95
