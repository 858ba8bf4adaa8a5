"""The screening is compared with the faults that were put in."""

import numpy as np
import pytest
from rich.console import Console

from app.bench_gauges import TrueFault, read_faults, run_bench_gauges, score_screening
from domain.errors import ConfigurationError
from leak_detection.model.gauge_faults import GaugeFault, Screening


def _fault(gauge, since, found, until):
    return GaugeFault(
        gauge=gauge, kind="step", since_day=since, found_day=found, size=1.0, unit="m", words="", until_day=until, closed_day=until
    )


def test_found_delay_handled_and_falsely_masked_are_counted():
    usable = np.ones((50, 3), dtype=bool)
    usable[11:20, 0], usable[30:36, 2] = False, False
    nothing = np.zeros((50, 3))
    screening = Screening(
        usable=usable,
        told=usable,
        offset_m=nothing,
        clock_samples=nothing.astype(np.int64),
        faults=(_fault(0, 11, 13, 20), _fault(2, 30, 31, 36)),
    )
    truth = [TrueFault(gauge=0, kind="step", first_day=10, last_day=19), TrueFault(gauge=1, kind="stuck", first_day=5, last_day=9)]
    score = score_screening(screening, truth)
    assert (score.faults, score.found, score.median_delay_days, score.falsely) == (2, 1, 3.0, 1)
    assert score.handled == pytest.approx(9 / 15)
    assert 0 < score.lost < 0.1
    assert score.known == score.handled
    step, stuck = score.by_kind["step"], score.by_kind["stuck"]
    assert (step.faults, step.delays_days, step.days, step.handled_days) == (1, (3,), 10, 9)
    assert (stuck.faults, stuck.delays_days, stuck.handled_days) == (1, (), 0)


def test_faults_are_read_with_either_kind_of_end(tmp_path):
    (tmp_path / "sensor_faults.csv").write_text("year,sensor,fault,start_step\n2019,b,stuck 21 d,288\n2019,a,step +0.6 m,576\n")
    first, second = read_faults(tmp_path, ("a", "b"), 2018, 288)
    assert (first.gauge, first.kind, first.first_day, first.last_day) == (1, "stuck", 366, 387)
    assert (second.first_day, second.last_day) == (367, 729)
    (tmp_path / "sensor_faults.csv").write_text("year,sensor,fault,start_step,end_step\n2018,a,dead,0,2880\n")
    assert read_faults(tmp_path, ("a", "b"), 2018, 288)[0].last_day == 10


def test_a_fault_of_a_gauge_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="faults of a distorted set"):
        read_faults(tmp_path, ("a",), 2018, 288)
    (tmp_path / "sensor_faults.csv").write_text("year,sensor,fault,start_step\n2019,zz,stuck 21 d,288\n")
    with pytest.raises(ConfigurationError, match="'zz'"):
        read_faults(tmp_path, ("a",), 2018, 288)


def test_a_set_without_faults_is_refused_before_the_work(tmp_path):
    with pytest.raises(ConfigurationError, match="a set with faults put in"):
        run_bench_gauges([tmp_path], Console())
