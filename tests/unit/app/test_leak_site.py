"""``leaks.toml``: what is wrong in it is said by name, with what would be right."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.edge_check import check_site
from app.leak_site import FILE, load_network_points
from app.site import load_site
from domain.errors import ConfigurationError, KhettaraError
from domain.points import PointKey, Role
from domain.quantities import Quantity
from tests.support.small_network import GAUGES
from tests.support.small_town import ZONE, write_town

DEMO = Path(__file__).parents[3] / "sites" / "demo"


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Path:
    write_town(tmp_path)
    return tmp_path


def test_a_site_without_the_file_has_no_network_layer(town: Path) -> None:
    (town / FILE).unlink()
    assert load_network_points(town, load_site(town)) is None
    assert "leaks" not in check_site(town)


def test_points_are_found_by_their_names_in_the_network(town: Path) -> None:
    points = load_network_points(town, load_site(town))
    assert points is not None
    assert points.gauges[PointKey("j02.pressure")] == "J02"
    assert points.step_s == 1800
    assert set(points.zones.values()) == {ZONE}
    assert f"42 pipes by {len(GAUGES)} gauges" in check_site(town)


def test_steered_valves_are_known_by_the_node_of_their_setpoint(tmp_path: Path) -> None:
    site = tmp_path / "demo"
    shutil.copytree(DEMO, site)
    gauges = [
        p for p in load_site(site).points.values() if p.quantity is Quantity.PRESSURE and p.node and p.role is not Role.SETPOINT
    ]
    inflow = next(p for p in load_site(site).points.values() if p.role is Role.INFLOW and p.node)
    rows = "\n".join(f'"{p.key}" = "{p.node}"' for p in gauges[:4])
    (site / FILE).write_text(
        f'network = "network.inp"\nzone = "medina"\n[gauges]\n{rows}\n[meters]\n"{inflow.key}" = "{inflow.node}"\n'
    )
    points = load_network_points(site, load_site(site))
    assert points is not None
    assert points.valves is not None
    assert points.valves["PRV-MED"] == "prv_medina"
    text = (site / "points.toml").read_text()
    (site / "points.toml").write_text(text.replace('node = "PRV-MED"', ""))
    points = load_network_points(site, load_site(site))
    assert points is not None
    assert points.valves is None, "of one nobody knows which it is in the network"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"small.inp"', '"other.inp"', r"leaks.toml: network = 'other.inp' .* network file \(.inp\) beside leaks.toml"),
        ('"small.inp"', '"site.toml"', "no pipes or no junctions"),
        ('= "J02"', '= "J99"', "gauges.j02.pressure = 'J99' .* a node of the network; did you mean"),
        ('= "MAIN"', '= "MAINS"', "meters.main.flow = 'MAINS' .* a link of the network; did you mean 'MAIN'"),
        ('"j02.pressure"', '"j2.pressure"', "a point of the site; did you mean 'j02.pressure'"),
        ('"main.flow" = "MAIN"', '"j02.pressure" = "MAIN"', "a point that measures flow; it measures pressure"),
        ('= "J10"', '= "J02"', "a node that no other point stands for"),
        ('"main.flow" = "MAIN"', "", "meters = None .* a meter at every inlet"),
        ("[gauges]", 'zone = "nowhere"\n[gauges]', "a zone of the site"),
        ("[gauges]", "step = 1\n[gauges]", "a known key"),
    ],
)
def test_what_is_wrong_is_said(town: Path, old: str, new: str, says: str) -> None:
    text = (town / FILE).read_text()
    assert old in text
    (town / FILE).write_text(text.replace(old, new))
    with pytest.raises(ConfigurationError, match=says):
        check_site(town)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("H00 J00 J01", "H00 J00 J99", "small.inp.*J99"),
        ("Units CMH", "Units FOO", "small.inp"),
        ("[DEMANDS]", "[TITLE]", r"small.inp: \[DEMANDS\] = '0 m³/h in all'"),
        ("100 300 110 0 Open", "100 300 110 0 Closed", r"mean demand of 75.0 m³/h: no water gets to J02.*9 of 9 gauges"),
        ("[RESERVOIRS]", "LONE 10\n[RESERVOIRS]", r"Error 233.*; nodes on no pipe, pump or valve: LONE$"),
        ("[PIPES]", "[TANKS]\nT 50 9 0 5 20 0\n[PIPES]\nTP T J44 50 200 110 0 Open", r"level is not between.*highest: T$"),
    ],
)
def test_a_network_file_that_epanet_cannot_use_is_refused_at_once_and_not_after_weeks(
    town: Path, old: str, new: str, says: str
) -> None:
    text = (town / "small.inp").read_text()
    assert old in text
    (town / "small.inp").write_text(text.replace(old, new, 1))
    with pytest.raises(KhettaraError, match=says):
        check_site(town)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [('= "MAIN"', '= "H22"', "less sure: no metered inlet"), ('= "J02"', '= "R"', "less sure: gauge R stands at a source or tank")],
)
def test_what_keeps_leaks_from_being_placed_well_is_told_by_the_check(town: Path, old: str, new: str, says: str) -> None:
    text = (town / FILE).read_text()
    (town / FILE).write_text(text.replace(old, new))
    assert f"9 gauges; {says}" in check_site(town)


def test_a_part_with_a_source_of_its_own_that_nobody_meters_is_told_by_the_check(town: Path) -> None:
    lines = (town / "small.inp").read_text().splitlines()
    apart = "\n".join(line for line in lines if not line.startswith("V2"))
    second = apart.replace("R 70", "R 70\nR2 70").replace("IN S J00", "MAIN2 R2 J44 100 300 110 0 Open\nIN S J00")
    (town / "small.inp").write_text(second)
    assert (
        "9 gauges; less sure: 40% of the demand, at 10 nodes, is drawn before the meters or from a source without one"
        in check_site(town)
    )


def test_a_network_without_gauges_is_refused(town: Path) -> None:
    (town / FILE).write_text('network = "small.inp"\n[meters]\n"main.flow" = "MAIN"\n')
    with pytest.raises(ConfigurationError, match="3 gauges or more"):
        check_site(town)


def test_pipes_lie_in_the_zone_of_their_nodes_or_the_nearest(town: Path) -> None:
    zones = (town / "zones.toml").read_text()
    (town / "zones.toml").write_text(zones + zones.replace(f'"{ZONE}"', '"hill"').replace("Garden", "Hill"))
    (town / "small.inp").write_text((town / "small.inp").read_text().replace("[END]", f"[TAGS]\nNODE J00 {ZONE}\nNODE J44 hill\n"))
    points = load_network_points(town, load_site(town))
    assert points is not None
    assert (points.zones["IN"], points.zones["H00"], points.zones["V34"]) == (ZONE, ZONE, "hill")


def test_gauges_behind_a_steered_valve_are_read_beside_its_outlet(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("scenarios"))
    gauges = {
        "medina.critical1.pressure": "M057", "medina.prv.inlet_pressure": "V-MED-A", "medina.prv.outlet_pressure": "V-MED-B",
        "industrie.critical1.pressure": "I009",
    }  # fmt: skip
    lines = "\n".join(f'"{point}" = "{node}"' for point, node in gauges.items())
    (folder / FILE).write_text(f'network = "network.inp"\n[gauges]\n{lines}\n[meters]\n"pump.flow" = "PUMP"\n')
    points = load_network_points(folder, load_site(folder))
    assert points is not None
    assert points.steered == {PointKey("medina.critical1.pressure"): PointKey("medina.prv.outlet_pressure")}
