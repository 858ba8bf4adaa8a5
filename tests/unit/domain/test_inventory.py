"""Configuration errors name file, key, value and what would be right."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from domain.errors import ConfigurationError
from domain.inventory import build_inventory

GOOD: dict[str, dict[str, Any]] = {
    "site.toml": {"site": {"key": "demo", "names": {"fr": "Démo"}, "timezone": "Africa/Casablanca"}},
    "zones.toml": {
        "zone": [
            {
                "key": "medina",
                "kind": "dma",
                "inlets": [{"point": "medina.inlet.flow", "sign": 1}],
                "critical_points": ["medina.cp1.pressure"],
            }
        ]
    },
    "points.toml": {
        "point": [
            {"key": "medina.inlet.flow", "quantity": "flow", "role": "inflow", "resolution": "0.01", "zone": "medina"},
            {"key": "medina.cp1.pressure", "quantity": "pressure", "resolution": "0.01", "zone": "medina"},
        ]
    },
    "devices.toml": {
        "gateway": [{"node": "gw-north", "group": "demo"}],
        "device": [
            {"key": "fm1", "gateway": "gw-north", "model": "generic_flowmeter", "channels": {"flow_m3h": "medina.inlet.flow"}}
        ],
    },
}


def broken(file: str, path: list[Any], value: object) -> dict[str, Any]:
    documents = copy.deepcopy(GOOD)
    target: Any = documents[file]
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return documents


def test_a_good_site_is_taken() -> None:
    inventory = build_inventory(GOOD)
    assert inventory.edge("fm1") == "demo/gw-north"
    assert [z.key for z in inventory.metered_zones()] == ["medina"]


CASES = {
    "unknown key": ("zones.toml", ["zone", 0, "inlet"], 1, "zone[0].inlet", "inlets"),
    "unknown unit": ("points.toml", ["point", 0, "unit"], "gal/min", "point[0].unit", "m3/h"),
    "unit of another quantity": ("points.toml", ["point", 0, "unit"], "bar", "point[0].unit", "L/s"),
    "unknown quantity": ("points.toml", ["point", 0, "quantity"], "flaw", "point[0].quantity", "flow"),
    "zone without inlet": ("zones.toml", ["zone", 0, "inlets"], [], "zone[0].inlets", "at least one entering inlet"),
    "point that is not there": (
        "zones.toml",
        ["zone", 0, "inlets", 0, "point"],
        "medina.inlet.flo",
        "inlets[0].point",
        "did you mean",
    ),
    "pressure as an inlet": ("zones.toml", ["zone", 0, "inlets", 0, "point"], "medina.cp1.pressure", "inlets[0].point", "flow"),
    "resolution zero": ("points.toml", ["point", 0, "resolution"], "0", "point[0].resolution", "positive decimal"),
    "time zone": ("site.toml", ["site", "timezone"], "Africa/Casa", "site.timezone", "IANA"),
    "unknown gateway": ("devices.toml", ["device", 0, "gateway"], "gw-nort", "device[0].gateway", "gw-north"),
    "field and point disagree": (
        "devices.toml",
        ["device", 0, "channels"],
        {"flow_m3h": "medina.cp1.pressure"},
        "device[0].channels.flow_m3h",
        "unit of the field",
    ),
    "parent that is not there": ("zones.toml", ["zone", 0, "parent"], "casablanca", "zone[0].parent", "a zone that exists"),
    "zone below itself": ("zones.toml", ["zone", 0, "parent"], "medina", "zone[0].parent", "not below"),
    "a key twice": ("points.toml", ["point", 1, "key"], "medina.inlet.flow", "point[1].key", "only once"),
    "not a number": ("zones.toml", ["zone", 0, "min_pressure_m"], float("nan"), "zone[0].min_pressure_m", "a number >= 0"),
    "half a place": ("zones.toml", ["zone", 0, "lat"], 31.6, "zone[0].lon", "lat and lon together"),
    "no such latitude": ("zones.toml", ["zone", 0, "lat"], 91.0, "zone[0].lat", "a number >= -90 <= 90"),
    "no table": ("devices.toml", ["device"], {"key": "x"}, "device", "[[device]]"),
}


@pytest.mark.parametrize(("file", "path", "value", "key", "hint"), CASES.values(), ids=CASES.keys())
def test_a_wrong_site_is_refused_in_full(file: str, path: list[Any], value: object, key: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        build_inventory(broken(file, path, value))
    error = caught.value
    assert error.file == file
    assert key in error.key
    assert hint in str(error)
    assert file in str(error)
    assert error.key in str(error)


def with_valves(*valves: object) -> dict[str, Any]:
    documents = copy.deepcopy(GOOD)
    documents["zones.toml"]["zone"] += [{"key": "hills", "kind": "pressure_zone"}, {"key": "port", "kind": "pressure_zone"}]
    documents["zones.toml"]["boundary_valve"] = list(valves)
    return documents


def test_zones_on_both_sides_of_a_boundary_valve_are_neighbours() -> None:
    assert build_inventory(GOOD).neighbours() is None, "nobody said: any zone may be one"
    inventory = build_inventory(with_valves({"zones": ["medina", "hills"]}))
    assert inventory.neighbours() == {"medina": {"hills"}, "hills": {"medina"}, "port": frozenset()}


@pytest.mark.parametrize(
    ("valves", "key", "hint"),
    [
        ([{"zones": ["medina", "hils"]}], "boundary_valve[0].zones", "did you mean 'hills'"),
        ([{"zones": ["medina", "medina"]}], "boundary_valve[0].zones", "two different zones"),
        ([{"zones": ["medina"]}], "boundary_valve[0].zones", "two different zones"),
        ([{"zones": "medina"}], "boundary_valve[0].zones", "a list of strings"),
        ([{"zones": ["medina", "hills"]}, {"zones": ["hills", "medina"]}], "boundary_valve[1].zones", "boundary_valve[0] names it"),
        ([{"zones": ["medina", "hills"], "open": True}], "boundary_valve[0].open", "zones"),
    ],
)
def test_a_boundary_valve_that_cannot_be_is_refused(valves: list[object], key: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        build_inventory(with_valves(*valves))
    assert (caught.value.file, caught.value.key) == ("zones.toml", key)
    assert hint in str(caught.value)


def test_a_table_that_zones_do_not_have_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'boundary_valve'"):
        build_inventory(broken("zones.toml", ["boundary_valves"], [{"zones": ["medina", "hills"]}]))


def test_a_point_fed_twice_is_refused() -> None:
    documents = copy.deepcopy(GOOD)
    documents["devices.toml"]["device"].append({**GOOD["devices.toml"]["device"][0], "key": "fm2"})
    with pytest.raises(ConfigurationError, match="'fm1' feeds it already"):
        build_inventory(documents)
