from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.bench_pressure import Job, jobs, run_bench_pressure, share, table_row
from domain.errors import ConfigurationError

RUNS = {
    "reference": {"leak_m3": 1000.0},
    "oracle": {"leak_m3": 800.0, "cust_min": 10},
    "law": {
        "leak_m3": 810.0, "cust_min": 110, "all_cust_min": 1_000_000, "moves_valve_day": 20.4, "max_ramp_m": 2.0, "max_dp_m": 3.1,
        "ctrl_ms": 1.2,
    },
}  # fmt: skip


def test_a_row_tells_share_and_harm_beyond_the_oracle() -> None:
    assert share(RUNS) == pytest.approx(95.0)
    row = table_row(Job(net="ltown", scenario="none", seed=5, days=9), RUNS)
    assert row == "| ltown / none | 5 | 95.0 | 110 | 10 | 0.0100 | 20 | 2.0 | 3.1 | 1.2 |"


def test_jobs_are_every_combination_and_wrong_words_are_told() -> None:
    assert len(jobs(["ltown", "ky12"], ["none", "mixed"], [1, 2], 9)) == 8
    with pytest.raises(ConfigurationError, match="klvsd"):
        jobs(["other"], ["none"], [1], 9)
    with pytest.raises(ConfigurationError, match="5 or more"):
        jobs(["ltown"], ["none"], [1], 3)


def test_without_the_benchmarks_packages_it_says_what_to_install(tmp_path: Path) -> None:
    tool = tmp_path / "pressure_bench.py"
    with pytest.raises(ConfigurationError, match=r"pressure_bench\.py"):
        run_bench_pressure(tool, None, (), None, print)
    tool.write_text("")
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(ConfigurationError, match="pip install epyt owa-epanet numpy"):
        run_bench_pressure(tool, bare, (), None, print)
