from pathlib import Path

import pytest

from simulator.geometry import Geometry, read_geometry
from simulator.network_design import design_network

SITE = Path(__file__).resolve().parents[3] / "sites" / "demo"


@pytest.fixture(scope="module")
def geometry() -> Geometry:
    return read_geometry(design_network())


def test_the_generator_reproduces_the_committed_file():
    assert design_network() == (SITE / "network.inp").read_text(encoding="utf-8")


def test_another_seed_gives_another_town():
    assert design_network(8) != design_network(7)


def test_the_town_has_the_size_of_forty_thousand_people(geometry: Geometry):
    assert 400 <= sum(1 for n in geometry.nodes if n not in (*geometry.reservoirs, *geometry.tanks)) <= 800
    assert sum(geometry.connections.values()) == 8006
    homes = sum(d for n, d in geometry.demands.items() if geometry.groups[n].startswith("homes"))
    assert homes * 24 / 40_000 == pytest.approx(0.09, rel=0.01)


def test_zones_touch_at_valves_only_and_the_river_quarter_hangs_on_the_plateau(geometry: Geometry):
    crossing = {
        (geometry.zones[k.start], geometry.zones[k.end], k.kind) for k in geometry.links if _crosses(geometry, k.start, k.end)
    }
    assert crossing == {
        ("adduction", "medina", "valve"),
        ("adduction", "plateau", "valve"),
        ("adduction", "industrie", "valve"),
        ("plateau", "oued", "valve"),
    }


def test_every_customer_can_be_reached_from_the_source(geometry: Geometry):
    near: dict[str, set[str]] = {n: set() for n in geometry.nodes}
    for link in geometry.links:
        near[link.start].add(link.end)
        near[link.end].add(link.start)
    seen, waiting = set(geometry.reservoirs), list(geometry.reservoirs)
    while waiting:
        for other in near[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    assert seen == set(geometry.nodes)


def test_leaks_go_with_the_length_of_pipes(geometry: Geometry):
    length: dict[str, float] = {}
    for link in geometry.links:
        for node in (link.start, link.end):
            if geometry.zones.get(node) == "oued" and node in geometry.emitters:
                length[node] = length.get(node, 0.0) + link.length_m / 2
    ratios = [geometry.emitters[n] / length[n] for n in length]
    assert max(ratios) == pytest.approx(min(ratios), rel=0.01)


def _crosses(geometry: Geometry, start: str, end: str) -> bool:
    return start in geometry.zones and end in geometry.zones and geometry.zones[start] != geometry.zones[end]
