import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigurationError
from simulator.faults import Burst, LinkLost, MeterStuck, PrvStuck, SensorDrift
from simulator.scenario import burst_places, live_start, load_scenario, parse_scenario, plant_faults
from simulator.site import SimulatedSite, load_site

SITE = Path(__file__).resolve().parents[3] / "sites" / "demo"
START = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)
SIZES = {"medina": (14, 22), "plateau": (14, 22), "oued": (10, 15), "industrie": (10, 15)}


@pytest.fixture(scope="module")
def site() -> SimulatedSite:
    return load_site(SITE)


def test_the_demo_plants_one_burst_that_the_seed_decides(site: SimulatedSite):
    scenario = load_scenario(site, "demo")
    planted = {seed: plant_faults(scenario, seed=seed, start=START, site=site) for seed in range(60)}
    assert planted[3] == plant_faults(scenario, seed=3, start=START, site=site)
    bursts = [faults[0] for faults in planted.values() if len(faults) == 1 and isinstance(faults[0], Burst)]
    assert len(bursts) == 60
    assert {b.zone for b in bursts} == set(SIZES)
    for burst in bursts:
        assert SIZES[burst.zone][0] <= burst.flow_m3h <= SIZES[burst.zone][1]
        assert timedelta(minutes=20) <= burst.start - START <= timedelta(minutes=40)
        assert burst.node in burst_places(site, burst.zone)
        assert burst.end is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [("prv_stuck", PrvStuck), ("meter_stuck", MeterStuck), ("drift", SensorDrift), ("link_lost", LinkLost), ("creeping", Burst)],
)
def test_every_scenario_of_the_site_plants_its_fault(site: SimulatedSite, name: str, kind: type):
    faults = plant_faults(load_scenario(site, name), seed=1, start=START, site=site)
    assert [type(f) for f in faults] == [kind]
    assert faults[0].start >= START + timedelta(minutes=20)


def test_a_quiet_scenario_plants_nothing(site: SimulatedSite):
    assert plant_faults(load_scenario(site, "quiet"), seed=1, start=START, site=site) == ()


def test_bursts_lie_on_the_largest_mains(site: SimulatedSite):
    for zone in SIZES:
        places = burst_places(site, zone)
        assert len(places) >= 5
        assert all(site.geometry.zones[n] == zone for n in places)
        largest = {n: max(k.diameter_mm for k in site.geometry.links if n in (k.start, k.end)) for n in site.geometry.emitters}
        others = [largest[n] for n in site.geometry.emitters if site.geometry.zones[n] == zone and n not in places]
        assert min(largest[n] for n in places) >= max(others)


def test_the_live_start_is_the_last_local_start_whose_run_is_over(site: SimulatedSite):
    scenario, calendar = load_scenario(site, "demo"), site.inventory.site.calendar
    found = live_start(scenario, calendar, before=datetime(2026, 11, 17, 12, 0, tzinfo=UTC))
    assert calendar.local(found).strftime("%Y-%m-%d %H:%M") == "2026-11-17 00:30"
    long = dataclasses.replace(scenario, duration_h=24.0)
    found = live_start(long, calendar, before=datetime(2026, 11, 17, 12, 0, tzinfo=UTC))
    assert calendar.local(found).strftime("%Y-%m-%d %H:%M") == "2026-11-16 00:30"


def test_a_scenario_that_is_not_there_lists_those_that_are(site: SimulatedSite):
    with pytest.raises(ConfigurationError, match=r"'storm'.*creeping, demo, drift"):
        load_scenario(site, "storm")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "burts"}, "burst"),
        ({"kind": "burst", "flow_m3h": 12, "size": 3}, "size"),
        ({"kind": "burst"}, "flow_m3h"),
        ({"kind": "burst", "flow_m3h": [20, 10]}, "least, largest"),
        ({"kind": "burst", "flow_m3h": {"medina": 12}}, "plateau"),
        ({"kind": "burst", "zone": "casbah", "flow_m3h": 12}, "medina"),
        ({"kind": "burst", "flow_m3h": 12, "at_min": "soon"}, "at_min"),
        ({"kind": "meter_stuck"}, "points"),
        ({"kind": "sensor_drift", "points": ["no.such"], "per_hour": 1}, r"no\.such"),
        ({"kind": "prv_stuck", "actuator": "prv_x"}, "prv_medina"),
        ({"kind": "link_lost", "gateway": "gw-x"}, "gw-north"),
    ],
)
def test_a_wrong_fault_says_what_would_be_right(site: SimulatedSite, fault: dict[str, Any], message: str):
    with pytest.raises(ConfigurationError, match=message):
        parse_scenario({"scenario": {"name": "x"}, "fault": [fault]}, "scenarios/x.toml", site)


def test_a_wrong_start_time_says_what_would_be_right(site: SimulatedSite):
    with pytest.raises(ConfigurationError, match="00:30"):
        parse_scenario({"scenario": {"name": "x", "start_local": "midnight"}}, "scenarios/x.toml", site)
