"""A leak of the network layer in the site's words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from domain.points import PointKey
from leak_detection.life import DOUBT
from leak_detection.model.places import Place
from leak_detection.network_leaks import DOUBTED, NetworkLeak, NetworkPoints, network_finding, network_leak
from leak_detection.network_past import LearnedNetwork
from leak_detection.network_run import RunLeak

PIPES = ("a", "b", "c", "d")
ALONG_M = np.array([0.0, 400.0, 900.0, 2000.0])
START = datetime(2026, 1, 1, tzinfo=UTC)
POINTS = NetworkPoints(
    network=Path("town.inp"), gauges={PointKey("g"): "G"}, meters={}, tanks={},
    zones={"a": "north", "b": "north", "c": "south", "d": "south"}, step_s=3600,
)  # fmt: skip


def leak(*, doubts: tuple[str, ...] = (), **place: Any) -> NetworkLeak:
    """Told at pipe ``a`` on the third day."""
    found = Place(
        index=0,
        flow_m3h=7.0,
        flow_error_m3h=0.5,
        near=0.7,
        far=0.95,
        ranked=((0, 0.6), (1, 0.3)),
        fit=0.9,
        near_m=500.0,
        far_m=1000.0,
    )
    told = SimpleNamespace(place=Place(**{k: getattr(found, k) for k in Place.__slots__} | place), start_day=1.5, told_day=2.0,
                           change_m=None, sd_m=None)  # fmt: skip
    distance = np.abs(np.subtract.outer(ALONG_M, ALONG_M))
    run = SimpleNamespace(watch=SimpleNamespace(gauges=SimpleNamespace(distance_m=distance)), same_m=400.0)
    learned = SimpleNamespace(run=run, pipes=PIPES, gauges=np.array([True]), doubts=doubts)
    return network_leak(RunLeak(told=cast("Any", told), how="day"), cast("LearnedNetwork", learned), POINTS, START.timestamp())


@pytest.mark.parametrize(("near", "pipes", "radius_m", "probability"), [(0.7, "abc", 1000.0, 0.95), (0.85, "ab", 500.0, 0.85)])
def test_the_region_is_that_of_its_probability(near: float, pipes: str, radius_m: float, probability: float) -> None:
    found = leak(near=near)
    assert (found.region.pipes, found.region.radius_m, found.region.probability) == (tuple(pipes), radius_m, probability)
    assert found.around == {"a", "b"}
    assert found.near_zones == ({"north", "south"} if "c" in pipes else {"north"})


def test_a_network_in_doubt_makes_its_leaks_less_sure_and_they_say_so() -> None:
    sure, doubted = network_finding(leak()), network_finding(leak(doubts=("g is left out",)))
    assert (sure.notes, doubted.notes) == ((), (DOUBTED,))
    assert doubted.confidence == pytest.approx(sure.confidence * DOUBT, abs=1e-3)
