"""OBIS codes of water meters (Blue Book 7; medium 8 cold, 9 hot), and what they are read as."""

from __future__ import annotations

from dataclasses import dataclass

from domain.quantities import Quantity
from protocols.dlms.obis import Obis


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterObject:
    """One object that water meters have in common."""

    name: str
    """Ends in the suffix of its canonical unit, as metric names do."""
    obis: Obis
    class_id: int
    quantity: Quantity | None
    description: str


def _one(name: str, obis: str, class_id: int, quantity: Quantity | None, description: str) -> WaterObject:
    return WaterObject(name=name, obis=Obis(obis), class_id=class_id, quantity=quantity, description=description)


WATER: tuple[WaterObject, ...] = (
    _one("volume_m3", "8-0:1.0.0*255", 3, Quantity.VOLUME, "Volume, current value of the counter"),
    _one("flow_m3h", "8-0:2.0.0*255", 3, Quantity.FLOW, "Flow, momentary"),
    _one("hot_volume_m3", "9-0:1.0.0*255", 3, Quantity.VOLUME, "Hot water: volume, current value of the counter"),
    _one("profile_1", "8-0:99.1.0*255", 7, None, "Profile with the first recording period, commonly one hour"),
    _one("profile_2", "8-0:99.2.0*255", 7, None, "Profile with the second recording period, commonly one day"),
    _one("battery_use_h", "0-0:96.6.0*255", 3, None, "Hours that the battery has been in use"),
    _one("battery_charge", "0-0:96.6.1*255", 3, Quantity.POSITION, "Charge of the battery as the meter shows it"),
    _one("battery_voltage_v", "0-0:96.6.3*255", 3, None, "Voltage of the battery"),
    _one("battery_left_h", "0-0:96.6.6*255", 3, None, "Estimated remaining use time of the battery"),
    _one("error_register", "0-0:97.97.0*255", 1, None, "Error flags; which bit is which, the maker says"),
    _one("alarm_register", "0-0:97.98.0*255", 1, None, "Alarm flags, leak among them; which bit is which, the maker says"),
    _one("valve", "0-0:96.3.10*255", 70, Quantity.STATE, "Disconnect control of the valve"),
    _one("clock", "0-0:1.0.0*255", 8, None, "Clock"),
    _one("serial_number", "0-0:96.1.0*255", 1, None, "Device identifier, the maker's number"),
    _one("logical_device_name", "0-0:42.0.0*255", 1, None, "Logical device name: three letters of the maker, then its number"),
)
