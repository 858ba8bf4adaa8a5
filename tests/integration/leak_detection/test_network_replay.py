"""A small network of our own making through the whole model layer: fails when what it finds, where and when gets worse."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from app.leak_learning import learn_network
from app.leaks_alarms import utc
from app.leaks_drawing import SEEN, Clock, read_panels
from app.leaks_panels import plan_of
from app.leaks_plot import finding_picture
from app.leaks_replay_network import drawn_findings, network_findings
from app.leaks_svg import svg_of
from app.leaks_table import explain_text, finding_document, read_finding
from app.network_replay import alarms_of, as_past
from app.network_set import NetworkSet
from simulator.inp import read_sections
from tests.support.small_network import GAUGES, METER, STEP_S, Leak, is_near, record, write_network

_FIRST_DAYS, _DAYS = 100, 135
_REPAIRED, _STANDING, _BURST = Leak("J31", 30.4, 45.5, 9.0), Leak("J13", 60.3, 999.0, 6.0), Leak("J42", 115.6, 999.0, 12.0)


@pytest.fixture(name="replayed", scope="module")
def _replayed(tmp_path_factory):
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
    return data, learn_network(as_past(data))


@pytest.fixture(name="told")
def _told(replayed):
    data, learned = replayed
    return utc(data.start), alarms_of(data, learned)


def test_what_stands_is_told_on_the_first_day_and_the_burst_within_a_day_near_their_places(told):
    start, alarms = told
    first = start + timedelta(days=_FIRST_DAYS)
    standing = [a for a in alarms if a.issued == first]
    assert any(is_near(a.place, _STANDING.node) for a in standing)
    began = start + timedelta(days=_BURST.first)
    bursts = [a for a in alarms if a.issued > first]
    assert any(is_near(a.place, _BURST.node) and began < a.issued <= began + timedelta(days=1) for a in bursts)


def test_little_else_is_told(told):
    _, alarms = told
    assert len(alarms) <= 4


def test_the_flow_is_about_right(told):
    _, alarms = told
    (burst,) = [a for a in alarms if is_near(a.place, _BURST.node)][:1]
    assert burst.flow_m3h == pytest.approx(_BURST.flow_m3h, rel=0.4)


def test_its_findings_say_their_places_in_words_and_pictures(replayed):
    data, learned = replayed
    findings = network_findings(data, learned)
    assert len(findings) == len(alarms_of(data, learned))
    burst = max(findings, key=lambda f: f.flow_m3h)
    assert any(is_near(p.pipe, _BURST.node) for p in burst.places[:3])
    assert read_finding(finding_document(burst))[0] == burst
    assert f"{burst.places[0].pipe} (" in explain_text(burst)
    assert burst.region is not None
    assert f"within {burst.region.radius_m:.0f} m of" in explain_text(burst)
    panels = drawn_findings(findings, data, learned)[burst.key]
    document = finding_document(burst, panels)
    assert len(read_panels(document["panels"])) == len(panels) == 2
    pressure = panels[0]
    seen = [line for line in pressure.lines if line.role == SEEN]
    before, after = pressure.times_s < burst.since.timestamp() - 86400, pressure.times_s > burst.found_at.timestamp()
    fall = [line.values[before].mean() - line.values[after].mean() for line in seen]
    assert min(fall) > 0.05, "a leak takes pressure from its gauges"
    plan = plan_of(read_sections(data.network.read_text()), data.gauges)
    assert f"best {burst.places[0].pipe}" in svg_of(finding_picture(burst, panels, plan, Clock()))
