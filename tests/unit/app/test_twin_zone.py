"""A zone cut out of a network file has the pressures that EPANET gives the whole file, in whatever units it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.twin_network import read_network
from app.twin_site import FILE, load_twins
from app.twin_zone import EpanetZone, Feed
from domain.errors import ConfigurationError
from domain.points import PointKey
from pressure_control.observations import valve_tasks
from simulator.toolkit import Epanet
from tests.support.toy_zone import ToyTown

LOW, INLET = PointKey("low"), PointKey("child.inlet")


def write(folder: Path, *, units: str = "CMH", setting: float = 40.0) -> Path:
    """Reservoir, PRV, a looped zone with a hill that has too little, and a PRV on to a second zone."""
    file = folder / f"town-{units}.inp"
    file.write_text(
        f"""[JUNCTIONS]
 in 10 0
 a 10 0 day
 b 22 6 day
 c 12 12 night
 hill 45 1 day
 d 5 0
 e 4 8 day
[RESERVOIRS]
 source 90
[PIPES]
 p0 source in 10 300 120 0 Open
 p1 a b 400 100 110 0 Open
 p2 b c 500 100 110 0 Open
 p3 a c 900 100 110 0 Open
 p4 b hill 300 80 110 0 Open
 p5 d e 200 80 110 0 Open
[VALVES]
 v1 in a 200 PRV {setting} 0
 v2 c d 150 PRV 20 0
[PATTERNS]
 day 0.5 1.5 1.0 1.0
 night 1.2 0.8 1.0 1.0
[TIMES]
 Duration 0
 Pattern Timestep 6:00
[OPTIONS]
 Units {units}
 Headloss H-W
 Accuracy 0.0001
[END]
"""
    )
    return file


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[EpanetZone]:
    made = cut(write(tmp_path))
    yield made
    made.close()


def cut(file: Path, *, unit_m: float = 1.0, safe_m: float = 40.0, minimum: float = 20.0) -> EpanetZone:
    return EpanetZone(
        read_network(file),
        [Feed(valve="v1", node="a")],
        critical={LOW: "b"},
        inlets={INLET: "c"},
        safe_m=[safe_m],
        min_pressure_m=minimum,
        unit_m=unit_m,
    )


def test_it_loses_what_the_whole_network_loses(tmp_path: Path, zone: EpanetZone) -> None:
    with Epanet(write(tmp_path)) as whole:
        for name, factor in (("day", 1.5), ("night", 0.8)):
            whole.set_multiplier(whole.pattern(name), factor)
        whole.solve()
        true = dict(zip(whole.nodes, whole.pressures(), strict=True))
        inflow = dict(zip(whole.links, whole.flows(), strict=True))["v1"]
    places, points = zone.losses(float(inflow), 6 * 3600.0 + 60.0, (0.0,))
    assert dict(zip(zone.places.names, places, strict=True)) == pytest.approx({n: 40.0 - true[n] for n in "bc"}, abs=0.02)
    assert points == pytest.approx([40.0 - true["b"], 40.0 - true["c"]], abs=0.02)


def test_places_that_never_have_the_minimum_are_left_out_and_said(zone: EpanetZone) -> None:
    assert zone.places.names == ("b", "c")
    assert zone.places.left_out == 1, "the hill has 5 m by the network's own setting"
    assert zone.places.measured == (True, False)
    assert zone.places.nearest == (LOW, LOW)
    assert zone.places.connections == pytest.approx([6 * 24 / 0.5, 12 * 24 / 0.5])


def test_the_level_moves_all_alike_and_height_alone_is_known_without_flow(zone: EpanetZone) -> None:
    still, points = zone.still((0.0,))
    assert still == pytest.approx([12.0, 2.0])
    assert points == pytest.approx([12.0, 2.0])
    none, _ = zone.losses(0.0, 0.0, (0.0,))
    assert none == pytest.approx(still, abs=0.01)


def test_another_unit_of_pressure_and_of_flow(tmp_path: Path, zone: EpanetZone) -> None:
    psi_m = 0.7034
    in_psi = cut(write(tmp_path), unit_m=psi_m, safe_m=40.0 / psi_m, minimum=20.0 / psi_m)
    plain, _ = zone.losses(30.0, 0.0, (0.0,))
    assert in_psi.losses(30.0, 0.0, (0.0,))[0] * psi_m == pytest.approx(plain, abs=0.01)
    in_psi.close()
    gallons = read_network(write(tmp_path, units="GPM"))
    assert gallons.elevation_m[gallons.index["b"]] == pytest.approx(22.0 * 0.3048, abs=0.01)
    assert gallons.demand_m3h[gallons.index["b"]][0][1] == pytest.approx(6 * 0.2271, abs=0.001)


def test_two_valves_of_a_shared_zone(tmp_path: Path) -> None:
    both = EpanetZone(
        read_network(write(tmp_path)),
        [Feed(valve="v1", node="a"), Feed(valve="v0", node="b")],
        critical={LOW: "c"},
        inlets={},
        safe_m=[40.0, 30.0],
        min_pressure_m=20.0,
    )
    level, apart = both.losses(40.0, 0.0, (6.0, -6.0))[0], both.losses(40.0, 0.0, (-2.0, 2.0))[0]
    assert not np.allclose(level, apart, atol=0.2), "which valve gives how much depends on the distance of their setpoints"
    both.close()


def test_a_zone_with_a_source_in_it_is_refused(tmp_path: Path) -> None:
    network = read_network(write(tmp_path))
    with pytest.raises(ConfigurationError, match="no tank and no reservoir"):
        EpanetZone(network, [Feed(valve="x", node="in")], critical={LOW: "b"}, inlets={}, safe_m=[40.0], min_pressure_m=20.0)
    with pytest.raises(ConfigurationError, match="a node of the network"):
        EpanetZone(network, [Feed(valve="x", node="nowhere")], critical={LOW: "b"}, inlets={}, safe_m=[40.0], min_pressure_m=20.0)
    with pytest.raises(ConfigurationError, match=r"\.inp"):
        read_network(tmp_path / "absent.inp")


def site_file(folder: Path, text: str) -> None:
    write(folder, setting=38.0)
    (folder / FILE).write_text(text)


def test_a_site_names_its_valves_and_points(tmp_path: Path) -> None:
    inventory = ToyTown(days=1).inventory()
    assert load_twins(tmp_path, inventory) == {}
    oued = valve_tasks(inventory)["prv_oued"]
    points = "".join(f'"{w.point}" = "{n}"\n' for w, n in zip(oued.watched, "bc", strict=True))
    site_file(tmp_path, f'network = "town-CMH.inp"\n[valves]\nprv_oued = "v1"\n[points]\n{points}')
    twins = load_twins(tmp_path, inventory)
    assert list(twins) == [oued.zone.key]
    assert twins[oued.zone.key].valves == ("prv_oued",)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("network = 3", "a network file"),
        ('network = "absent.inp"', "a network file"),
        ('network = "town-CMH.inp"\n[valves]\nnobody = "v1"', "an actuator of the site"),
        ('network = "town-CMH.inp"\n[valves]\nprv_oued = "v1"', "its node too"),
        ('network = "town-CMH.inp"\n[points]\n"no.point" = "b"', "a critical point"),
        ('network = "town-CMH.inp"\n[pipes]', "network, points, valves"),
        ('network = "town-CMH.inp"\nvalves = 3', "lines like"),
        ("network =", "a TOML file"),
    ],
)
def test_a_site_file_that_is_wrong_is_refused_with_what_would_be_right(tmp_path: Path, text: str, wrong: str) -> None:
    site_file(tmp_path, text)
    with pytest.raises(ConfigurationError, match=wrong):
        load_twins(tmp_path, ToyTown(days=1).inventory())
