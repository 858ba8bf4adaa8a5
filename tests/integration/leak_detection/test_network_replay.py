"""A small network of our own making through the whole model layer: fails when what it finds, where and when gets worse."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from app.bench_model import replay_network
from app.network_set import NetworkSet
from tests.support.small_network import GAUGES, METER, STEP_S, Leak, is_near, record, write_network

_FIRST_DAYS, _DAYS = 100, 135
_REPAIRED, _STANDING, _BURST = Leak("J31", 30.4, 45.5, 9.0), Leak("J13", 60.3, 999.0, 6.0), Leak("J42", 115.6, 999.0, 12.0)


@pytest.fixture(name="told", scope="module")
def _told(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "small.inp"
    write_network(path)
    pressure, flow = record(path, (_REPAIRED, _STANDING, _BURST), _DAYS, np.random.default_rng(17))
    start = datetime(2026, 1, 1)
    data = NetworkSet(
        start=start,
        second=start + timedelta(days=_FIRST_DAYS),
        step_s=STEP_S,
        gauges=GAUGES,
        meters=(METER,),
        tanks=(),
        network=path,
        pressure_m=pressure,
        drivers=flow,
        repairs=((start + timedelta(days=_REPAIRED.last), "V21"),),
    )
    return start, replay_network(data)[0]


def test_what_stands_is_told_on_the_first_day_and_the_burst_within_a_day_near_their_places(told):
    start, alarms = told
    first = start + timedelta(days=_FIRST_DAYS)
    standing = [a for a in alarms if a.issued == first]
    assert any(is_near(a.pipe, _STANDING.node) for a in standing)
    began = start + timedelta(days=_BURST.first)
    bursts = [a for a in alarms if a.issued > first]
    assert any(is_near(a.pipe, _BURST.node) and began < a.issued <= began + timedelta(days=1) for a in bursts)


def test_little_else_is_told(told):
    _, alarms = told
    assert len(alarms) <= 4


def test_the_flow_is_about_right(told):
    _, alarms = told
    (burst,) = [a for a in alarms if is_near(a.pipe, _BURST.node)][:1]
    assert burst.flow_m3h == pytest.approx(_BURST.flow_m3h, rel=0.4)
