"""A snapshot on its way to a browser: the first whole, then only what has changed since. Pure.

    {"number": 7, "now": …, "zones": {"medina": {…}}, "actuators": {…}, "places": {…}, "leaks": {…}}   event: snapshot
    {"number": 8, "after": 7, "now": …, "zones": {"medina": {"inflow_m3h": 31.2}}}         event: change

Times are seconds since 1970 and ages are the browser's to count, so that what stands still costs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from console.leak_marks import LeakNow
from console.snapshot import ActuatorNow, PlaceNow, Snapshot, ZoneView

Document = Mapping[str, Any]
GROUPS = ("zones", "actuators", "places", "leaks")
"""Objects by key; everything else is one value."""
_COUNTED_HERE = frozenset({"inflow_age_s", "age_s", "data_age_s"})
_DIGITS = 3


def document(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot as JSON values; zones, actuators, places and leaks as objects by key."""
    return {
        field.name: {item.key: _values(item) for item in getattr(snapshot, field.name)}
        if field.name in GROUPS
        else _plain(getattr(snapshot, field.name))
        for field in fields(snapshot)
        if field.name not in _COUNTED_HERE
    }


def change(before: Document, after: Document) -> dict[str, Any] | None:
    """What a browser that holds ``before`` needs to hold ``after``; None where only the whole will do: something is gone."""
    found: dict[str, Any] = {"number": after["number"], "after": before["number"]}
    for name, value in after.items():
        if name in GROUPS:
            if before[name].keys() - value.keys():
                return None
            groups = {key: part for key, item in value.items() if (part := _different(before[name].get(key, {}), item))}
            if groups:
                found[name] = groups
        elif before[name] != value:
            found[name] = value
    return found


def line(values: Document) -> str:
    """One line of JSON."""
    return json.dumps(values, separators=(",", ":"), allow_nan=False)


def _different(before: Document, after: Document) -> dict[str, Any]:
    return {name: value for name, value in after.items() if name not in before or before[name] != value}


def _values(item: ZoneView | ActuatorNow | PlaceNow | LeakNow) -> dict[str, Any]:
    return {f.name: _plain(getattr(item, f.name)) for f in fields(item) if f.name not in _COUNTED_HERE}


def _plain(value: object) -> Any:
    match value:
        case float():
            return round(value, _DIGITS)
        case datetime():
            return int(value.timestamp())
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            return value
