"""Learning apart: what fails is said in words and takes nothing along; what is stopped leaves no process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from app.leak_apart import LearnApart
from leak_detection.network_past import CalibrationError, NetworkPast

_DAYS, _PER_DAY = 8, 24


async def _given(past: NetworkPast) -> NetworkPast:
    return past


async def _too_little() -> NetworkPast:
    raise CalibrationError("3 days of readings")


def _past(network: Path) -> NetworkPast:
    rng, rows = np.random.default_rng(1), _DAYS * _PER_DAY
    return NetworkPast(
        network=network, gauges=("a", "b", "c"), meters=("m",), tanks=(), opening=_DAYS, per_day=_PER_DAY,
        hour=np.arange(rows) % 24, pressure_m=40 + rng.normal(size=(rows, 3)), drivers=50 + rng.normal(size=(rows, 1)),
    )  # fmt: skip


async def test_too_little_history_is_an_outcome_in_words() -> None:
    apart = LearnApart()
    apart.start(_too_little())
    await apart.finished()
    assert apart.outcome() == "3 days of readings"
    assert apart.outcome() is None
    assert not apart.busy


async def test_a_file_that_is_no_network_fails_in_its_own_process_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "town.inp"
    file.write_text("[JUNCTIONS]\nnothing here\n[END]\n")
    apart = LearnApart()
    apart.start(_given(_past(file)))
    await apart.finished()
    words = apart.outcome()
    assert isinstance(words, str)
    assert "town.inp" in words


async def test_a_stop_ends_what_is_under_way() -> None:
    apart: LearnApart = LearnApart()
    apart.start(asyncio.get_running_loop().create_future())
    await apart.close()
    assert apart.busy
