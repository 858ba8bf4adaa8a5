"""Buses, billing and deadbands in edge.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from edge.settings import load_edge_settings

GOOD = """
[gateway]
group = "demo"
node = "gw"
state_dir = "state"
[broker]
host = "127.0.0.1"
[status]
port = 9200
[[bus]]
key = "rs485"
serial = "/dev/ttyS1"
parity = "N"
stop_bits = 2
[[bus]]
key = "roof"
host = "10.0.0.9"
port = 4001
quiet_s = 2
[[device]]
key = "m1"
model = "eastron_sdm630"
bus = "rs485"
billing = true
[device.report]
deadband = { power_kw = 0.5 }
deadband_pct = { power_l1_kw = 2 }
heartbeat_s = 300
[[device]]
key = "m2"
model = "keller_series30"
bus = "roof"
unit_id = 4
[[device]]
key = "m3"
model = "generic_flowmeter"
host = "10.0.0.8"
"""


def load(tmp_path: Path, text: str):
    (tmp_path / "edge.toml").write_text(text, encoding="utf-8")
    return load_edge_settings(tmp_path / "edge.toml")


def test_buses_and_what_hangs_on_them(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD)
    first, second, third = settings.devices
    assert settings.status_port == 9200
    assert first.bus is not None
    assert (first.bus.serial, first.bus.baud, first.bus.parity, first.bus.stop_bits) == ("/dev/ttyS1", 9600, "N", 2)
    assert first.billing
    assert first.report is not None
    assert first.report.deadband == (("power_kw", 0.5),)
    assert first.report.heartbeat_s == 300
    assert second.bus is not None
    assert (second.bus.host, second.bus.port, second.bus.quiet_s, second.unit_id) == ("10.0.0.9", 4001, 2.0, 4)
    assert (third.bus, third.host, third.port, third.billing, third.report) == (None, "10.0.0.8", 502, False, None)


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ('serial = "/dev/ttyS1"', "", "bus[0].serial", "either serial"),
        ('serial = "/dev/ttyS1"', 'serial = "/dev/ttyS1"\nhost = "x"', "bus[0].serial", "either serial"),
        ('parity = "N"', 'parity = "even"', "bus[0].parity", "N, E or O"),
        ("stop_bits = 2", "stop_bits = 3", "bus[0].stop_bits", "1 or 2"),
        ("stop_bits = 2", "baud = 9601", "bus[0].baud", "9600"),
        ('key = "roof"', 'key = "rs485"', "bus[1].key", "no other bus"),
        ('bus = "roof"', 'bus = "rof"', "device[1].bus", "rs485, roof"),
        ('bus = "roof"', 'bus = "roof"\nhost = "x"', "device[1].bus", "no host"),
        ("billing = true", 'billing = "yes"', "device[0].billing", "true or false"),
        ("power_kw = 0.5", "power_kw = -1", "device[0].report.deadband.power_kw", ">= 0"),
        ("heartbeat_s = 300", "heartbeats = 300", "device[0].report.heartbeats", "heartbeat_s"),
        ("port = 9200", "port = 0", "status.port", ">= 1"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, old: str, new: str, key: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert raised.value.key == key
    assert hint in raised.value.expected
