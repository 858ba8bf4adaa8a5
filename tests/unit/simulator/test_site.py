from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from domain.points import Role
from domain.zones import ZoneKind
from simulator.site import load_site

SITE = Path(__file__).resolve().parents[3] / "sites" / "demo"


def test_the_demo_has_what_the_plan_of_the_house_asks():
    inventory = load_site(SITE).inventory
    dmas = [z for z in inventory.zones.values() if z.kind is ZoneKind.DMA]
    assert {z.key for z in dmas} == {"medina", "plateau", "oued", "industrie"}
    assert {"prv_medina", "prv_plateau", "prv_oued"} == set(inventory.actuators)
    assert [(i.point, i.sign) for i in inventory.zones["plateau"].inlets] == [("plateau.inlet.flow", 1), ("oued.inlet.flow", -1)]
    assert len(inventory.gateways) >= 2
    assert all(len(z.critical_points) >= 2 and z.night_use_m3h > 0 for z in dmas)
    assert all(set(z.names) == {"fr", "ar", "en"} for z in inventory.zones.values())
    assert all(any(p.zone == z.key and p.role is Role.INFLOW for p in inventory.points.values()) for z in dmas)
    assert sum(z.population for z in dmas) == 40_000


def test_every_point_is_fed_by_a_device_and_stands_in_the_network():
    site = load_site(SITE)
    fed = {c.point for d in site.inventory.devices.values() for c in d.channels}
    assert fed == set(site.inventory.points)
    places = set(site.geometry.nodes) | {k.key for k in site.geometry.links}
    assert all(p.node in places for p in site.inventory.points.values())


def test_safe_setpoints_are_those_in_the_network():
    site = load_site(SITE)
    for actuator in site.inventory.actuators.values():
        valve = site.inventory.points[actuator.setpoint].node
        assert valve is not None
        assert actuator.safe_m == site.geometry.settings[valve]


def test_zones_say_what_the_network_holds():
    site = load_site(SITE)
    for zone in site.inventory.zones.values():
        if zone.kind is ZoneKind.DMA:
            assert zone.connections == sum(c for n, c in site.geometry.connections.items() if site.geometry.zones[n] == zone.key)
            assert zone.mains_km == pytest.approx(site.geometry.mains_km(zone.key), abs=0.06)


def test_a_folder_without_its_files_is_a_clear_error(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"site\.toml"):
        load_site(tmp_path)


def test_broken_toml_is_a_clear_error(tmp_path: Path):
    (tmp_path / "site.toml").write_text("[site\n")
    with pytest.raises(ConfigurationError, match=r"site\.toml.*valid TOML"):
        load_site(tmp_path)


def test_a_site_without_network_cannot_be_simulated(tmp_path: Path):
    for name in ("zones.toml", "points.toml", "devices.toml"):
        (tmp_path / name).write_text("")
    (tmp_path / "site.toml").write_text('[site]\nkey = "x"\n')
    with pytest.raises(ConfigurationError, match=r"network\.file"):
        load_site(tmp_path)
