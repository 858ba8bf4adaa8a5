from __future__ import annotations

import json
import zlib

from console.geometry import map_document
from console.ports import MapGeometry
from console.trails import unwalk
from domain.inventory import build_inventory
from simulator.region import make_region
from tests.support.console_services import demo_geometry, demo_inventory


def test_the_demonstration_s_network() -> None:
    document = json.loads(json.dumps(map_document(demo_geometry(), demo_inventory()), allow_nan=False))
    assert {"", "medina", "plateau", "oued", "industrie"} == set(document["zones"])
    assert sum(len(unwalk(z["walks"])) for z in document["zones"].values()) == len(demo_geometry().links)
    east, north = document["size"]
    for zone, part in document["zones"].items():
        assert all(0 <= x <= east and 0 <= y <= north for pipe in unwalk(part["walks"]) for x, y in pipe)
        assert (part["at"] is None) == (zone == "")
    kinds = [s["kind"] for s in document["symbols"]]
    assert kinds.count("valve") == 3
    assert {"tank", "pump", "critical"} <= set(kinds)


def test_places_are_right_to_a_grid_step() -> None:
    document, geometry = map_document(demo_geometry(), demo_inventory()), demo_geometry()
    xs, ys = [x for x, _ in geometry.nodes.values()], [y for _, y in geometry.nodes.values()]
    step_m = document["step_m"]
    assert step_m * document["size"][0] - (max(xs) - min(xs)) < step_m
    drawn = {end for part in document["zones"].values() for pipe in unwalk(part["walks"]) for end in pipe}
    wanted = {(round((x - min(xs)) / step_m), round((y - min(ys)) / step_m)) for x, y in geometry.nodes.values()}
    assert drawn == wanted


def test_a_link_to_nowhere_is_left_out() -> None:
    geometry = MapGeometry(
        nodes={"a": (100, 50), "b": (110, 55)},
        links=(("1", "a", "b", "z001"), ("2", "a", "gone", "z001"), ("3", "a", "b", "atlantis")),
    )
    document = map_document(geometry, build_inventory(make_region(zones=2, pipes=50, valves=2).documents))
    assert document["step_m"] == 0.1
    assert document["zones"]["z001"] == {"walks": [[0, 0, 100, 50]], "at": [50, 25]}
    assert document["zones"][""]["walks"] == [[0, 0, 100, 50]]


def test_nothing_to_draw_is_drawn_as_nothing() -> None:
    document = map_document(MapGeometry(), build_inventory(make_region(zones=2, pipes=50).documents))
    assert document["zones"] == {}
    assert document["size"] == [0, 0]


def test_a_region_is_light_on_the_wire() -> None:
    """Walks weigh less than the plain coordinates of both ends, to 0.1 m."""
    region = make_region(zones=100, pipes=3000, valves=60)
    document = map_document(MapGeometry(nodes=region.nodes, links=tuple(region.links)), build_inventory(region.documents))
    plain = [c for _, a, b, _ in region.links for c in (*region.nodes[a], *region.nodes[b])]
    sizes = [
        len(zlib.compress(json.dumps(d, separators=(",", ":")).encode(), 9))
        for d in (document["zones"], [round(c, 1) for c in plain])
    ]
    assert sizes[0] < 0.75 * sizes[1]
