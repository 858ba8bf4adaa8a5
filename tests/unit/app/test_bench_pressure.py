from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from app.bench_pressure import BEGIN, END, Job, harm_avoided, jobs, run_bench_pressure, share, shortfalls, table_row
from domain.errors import ConfigurationError

RUNS: dict[str, dict[str, Any]] = {
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
    assert row == "| ltown / none | 5 | 95.0 | 110 | 10 | 0.0100 | 20 | 2.0 | 3.1 | 1.2 |  | no: harm > 0.001 % |"


def test_each_row_is_judged_by_what_must_hold() -> None:
    plain = Job(net="ltown", scenario="none", seed=5, days=9)
    good = {**RUNS, "law": {**RUNS["law"], "cust_min": 12}}
    assert shortfalls(plain, good) == []
    fast = {**good, "law": {**good["law"], "max_ramp_m": 5.0, "moves_valve_day": 60.0, "leak_m3": 830.0}}
    assert shortfalls(plain, fast) == ["share < 92", "moves > 48", "ramp"]
    stuck = {**good, "law": {**good["law"], "release_m": 5.5, "alarm_steps": 3, "stuck_unseen": False, "mismatch_m": 3.0}}
    assert shortfalls(Job(net="ltown", scenario="stuck", seed=5, days=9), stuck) == [
        "harm > the oracle's",
        "release > 5 m",
        "alarm late",
    ]
    drawn = {**RUNS, "constant": {"cust_min": 1000}}
    assert harm_avoided(drawn) == pytest.approx(89.0)
    assert shortfalls(Job(net="ltown", scenario="firehard", seed=5, days=9), drawn) == ["avoided < 90 %"]


def test_laws_stand_one_below_the_other_and_the_twin_may_take_longer() -> None:
    todo = jobs(("ltown",), ("none",), (1, 2), 9, ("learned_critical_point", "model_twin"))
    assert [(j.seed, j.law) for j in todo] == [(s, w) for s in (1, 2) for w in ("learned_critical_point", "model_twin")]
    slow = {**RUNS, "law": {**RUNS["law"], "cust_min": 12, "ctrl_ms": 40.0}}
    learner, twin = todo[:2]
    assert shortfalls(learner, slow) == ["> 5 ms a zone"]
    assert shortfalls(twin, slow) == []
    assert shortfalls(twin, {**slow, "law": {**slow["law"], "ctrl_ms": 251.0}}) == ["> 250 ms"]
    assert table_row(twin, slow).startswith("| ltown / none, model_twin | 1 | 95.0 |")
    with pytest.raises(ConfigurationError, match="learned_critical_point, model_twin"):
        jobs(("ltown",), ("none",), (1,), 9, ("another",))


def test_the_pages_table_needs_its_marks(tmp_path: Path) -> None:
    tool, page = tmp_path / "pressure_bench.py", tmp_path / "page.md"
    tool.write_text("")
    page.write_text("no marks")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    with pytest.raises(ConfigurationError, match="a page with the lines"):
        run_bench_pressure(tool, python, (), None, print, docs=page)
    page.write_text(f"before\n{BEGIN}\nLAST YEAR\n{END}\nafter\n")
    run_bench_pressure(tool, python, (), None, lambda _: None, docs=page)
    text = page.read_text()
    assert "LAST YEAR" not in text
    assert text.startswith("before")
    assert text.endswith("after\n")


def test_jobs_are_every_combination_and_wrong_words_are_told() -> None:
    assert len(jobs(["ltown", "ky12"], ["none", "mixed"], [1, 2], 9)) == 8
    with pytest.raises(ConfigurationError, match="klvsd-sparing"):
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
