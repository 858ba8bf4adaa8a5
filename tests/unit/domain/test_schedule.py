"""Hours and setpoints written down for an actuator."""

from __future__ import annotations

from typing import Any

import pytest

from domain.calendar import DayClass
from domain.errors import ConfigurationError
from domain.inventory_parts import parse_actuator
from domain.tables import Table

ACTUATOR: dict[str, Any] = {
    "key": "prv1",
    "device": "prv1",
    "zone": "medina",
    "min_m": 20.0,
    "max_m": 60.0,
    "safe_m": 45.0,
    "setpoint": "prv1.setpoint",
    "outlet_pressure": "prv1.outlet",
    "flow": "prv1.flow",
}


def parse(schedule: object) -> Any:
    return parse_actuator(Table.root("devices.toml", {**ACTUATOR, "schedule": schedule}))


def test_each_class_of_day_has_its_hours() -> None:
    found = parse({"friday": {"06:00": 40.0}, "other": {"22:30": 30.0, "05:30": 38.0}}).schedule
    assert {day.day_class for day in found} == {DayClass.FRIDAY, None}
    other = next(day for day in found if day.day_class is None)
    assert other.steps == ((330, 38.0), (1350, 30.0))
    assert [other.at(minute) for minute in (0, 329.9, 330, 1349, 1350)] == [30.0, 30.0, 38.0, 38.0, 30.0]


def test_none_is_none() -> None:
    assert parse_actuator(Table.root("devices.toml", ACTUATOR)).schedule == ()


@pytest.mark.parametrize(
    ("schedule", "key"),
    [
        ({"friday": {"06:00": 40.0}}, "other"),
        ({"other": {"6 o'clock": 40.0}}, "6 o'clock"),
        ({"other": {"06:00": 61.0}}, "06:00"),
        ({"other": {"06:00": 19.0}}, "06:00"),
        ({"other": {}}, "other"),
        ({"sunday": {"06:00": 40.0}, "other": {"06:00": 40.0}}, "sunday"),
    ],
)
def test_what_is_wrong_is_named(schedule: object, key: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse(schedule)
    assert key in str(error.value)
    assert "devices.toml" in str(error.value)
