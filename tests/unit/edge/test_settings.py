"""What is wrong in edge.toml is said with file, key, value and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.clock import ScaledClock, WallClock
from domain.errors import ConfigurationError
from edge.settings import load_edge_settings

GOOD = """
[gateway]
group = "demo"
node = "gw"
state_dir = "state"
[broker]
host = "127.0.0.1"
[[device]]
key = "prv1"
model = "generic_prv_controller"
host = "10.0.0.9"
port = 5020
unit_id = 3
period_s = 60
[[device.actuator]]
key = "prv_medina"
field = "setpoint_m"
min_m = 20
max_m = 60
safe_m = 45
ramp_up_m = 5
ramp_down_m = 3
min_interval_s = 300
lease_s = 1800
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "edge.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_with_its_defaults(tmp_path: Path) -> None:
    settings = load_edge_settings(write(tmp_path, GOOD))
    assert settings.edge == "demo/gw"
    assert settings.host_id == "khettara"
    assert settings.state_dir == tmp_path / "state"
    assert (settings.broker.port, settings.spool.window_blocks, settings.spool.block_readings) == (1883, 64, 200)
    assert settings.devices[0].actuators[0].device == "prv1"
    assert isinstance(settings.clock.build(), WallClock)
    assert settings.command_keys == ()


def test_a_scaled_clock_keys_and_history(tmp_path: Path) -> None:
    text = GOOD + (
        '[clock]\nkind = "scaled"\nwall_origin = 2026-03-01T00:00:00Z\nsim_origin = 1000\nspeed = 60\n'
        '[commands]\nkeys = { desk-1 = "keys/desk.pem" }\n[history]\nfiles = ["h.npz"]\n'
    )
    settings = load_edge_settings(write(tmp_path, text))
    clock = settings.clock.build()
    assert isinstance(clock, ScaledClock)
    assert (clock.wall_origin, clock.sim_origin, clock.speed) == (1_772_323_200.0, 1000.0, 60.0)
    assert settings.command_keys == (("desk-1", tmp_path / "keys/desk.pem"),)
    assert settings.history == (tmp_path / "h.npz",)


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ("state_dir =", "state_dri =", "gateway.state_dri", "did you mean 'state_dir'"),
        ("[broker]", "[brokre]", "brokre", "did you mean 'broker'"),
        ("port = 5020", "port = 70000", "device[0].port", "1 to 65535"),
        ("unit_id = 3", "unit_id = 300", "device[0].unit_id", "0 to 255"),
        ('node = "gw"', 'node = "a/b"', "gateway.node", "MQTT topic"),
        ("max_m = 60", "max_m = 10", "device[0].actuator[0].max_m", ">= 20"),
        ("safe_m = 45", "safe_m = 90", "device[0].actuator[0].safe_m", "<= 60"),
        ("min_m = 20", "min_m = nan", "device[0].actuator[0].min_m", "finite"),
        ("period_s = 60", 'period_s = "often"', "device[0].period_s", "a number"),
        ('host = "127.0.0.1"', "", "broker.host", "required"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, old: str, new: str, key: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_edge_settings(write(tmp_path, GOOD.replace(old, new, 1)))
    assert raised.value.file == "edge.toml"
    assert raised.value.key == key
    assert hint in raised.value.expected


def test_a_key_may_not_come_twice(tmp_path: Path) -> None:
    again = '[[device]]\nkey = "prv1"\nmodel = "generic_flowmeter"\nhost = "x"\n'
    with pytest.raises(ConfigurationError, match="no other entry"):
        load_edge_settings(write(tmp_path, GOOD + again))


def test_a_missing_file_and_no_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="readable"):
        load_edge_settings(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigurationError, match="valid TOML"):
        load_edge_settings(write(tmp_path, "[gateway"))


def test_the_files_for_tls_are_relative_to_the_configuration(tmp_path: Path) -> None:
    text = GOOD.replace(
        'host = "127.0.0.1"', 'host = "b"\nca_file = "tls/ca.pem"\ncertificate_file = "gw.pem"\nkey_file = "/k/gw.key"'
    )
    broker = load_edge_settings(write(tmp_path, text)).broker
    assert (broker.ca_file, broker.certificate_file, broker.key_file) == (
        tmp_path / "tls" / "ca.pem",
        tmp_path / "gw.pem",
        Path("/k/gw.key"),
    )
    with pytest.raises(ConfigurationError, match=r"broker\.ca_file"):
        broker.tls()


def test_the_password_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n", encoding="utf-8")
    text = GOOD.replace('host = "127.0.0.1"', 'host = "b"\nusername = "gw"\npassword_file = "secret"')
    broker = load_edge_settings(write(tmp_path, text)).broker
    assert broker.password() == "s3cret"
    assert "s3cret" not in repr(broker)
