from __future__ import annotations

import json

from console.geometry import map_document
from console.ports import MapGeometry
from tests.support.console_services import demo_geometry, demo_inventory


def test_the_demonstration_s_network() -> None:
    document = json.loads(json.dumps(map_document(demo_geometry(), demo_inventory()), allow_nan=False))
    assert {"", "medina", "plateau", "oued", "industrie"} == set(document["zones"])
    drawn = sum(len(z["lines"]) for z in document["zones"].values()) // 4
    assert drawn == len(demo_geometry().links)
    west, south, east, north = document["box"]
    for zone, part in document["zones"].items():
        assert all(west <= x <= east for x in part["lines"][0::2])
        assert all(south <= y <= north for y in part["lines"][1::2])
        assert (part["at"] is None) == (zone == "")
    kinds = [s["kind"] for s in document["symbols"]]
    assert kinds.count("valve") == 3
    assert {"tank", "pump", "critical"} <= set(kinds)


def test_a_link_to_nowhere_is_left_out() -> None:
    geometry = MapGeometry(
        nodes={"a": (0, 0), "b": (10, 5)},
        links=(("1", "a", "b", "medina"), ("2", "a", "gone", "medina"), ("3", "a", "b", "atlantis")),
    )
    document = map_document(geometry, demo_inventory())
    assert document["zones"]["medina"] == {"lines": [0, 0, 10, 5], "at": [5.0, 2.5]}
    assert document["zones"][""]["lines"] == [0, 0, 10, 5]


def test_nothing_to_draw_is_drawn_as_nothing() -> None:
    document = map_document(MapGeometry(), demo_inventory())
    assert document["zones"] == {}
