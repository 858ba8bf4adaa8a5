"""What is written for a gateway is what a gateway reads."""

from __future__ import annotations

from pathlib import Path

from app.edge_config import Address, EdgeConfig, edge_toml
from app.settings import BrokerSettings, ClockSettings
from app.site import demo_site, load_site
from edge.settings import load_edge_settings


def test_the_written_configuration_is_read_back_whole(tmp_path: Path) -> None:
    inventory = load_site(demo_site())
    device = next(a.device for a in inventory.actuators.values())
    node = inventory.devices[device].gateway
    config = EdgeConfig(
        node=node,
        state_dir=tmp_path / "state",
        broker=BrokerSettings(
            port=2883,
            username="gw",
            password_file=tmp_path / "pw",
            ca_file=tmp_path / "ca.pem",
            certificate_file=tmp_path / "gw.pem",
            key_file=tmp_path / "gw.key",
        ),
        clock=ClockSettings(kind="scaled", wall_origin=1.5, sim_origin=0.5, speed=30.0),
        keys={"abc": tmp_path / "key.pem"},
        addresses={device: Address(host="127.0.0.9", port=1502, unit_id=7)},
        history=[tmp_path / "h.npz"],
    )
    path = tmp_path / "edge.toml"
    path.write_text(edge_toml(config, inventory))
    settings = load_edge_settings(path)
    assert settings.edge == inventory.edge(device)
    assert sorted(d.key for d in settings.devices) == sorted(d.key for d in inventory.devices.values() if d.gateway == node)
    found = next(d for d in settings.devices if d.key == device)
    assert (found.host, found.port, found.unit_id) == ("127.0.0.9", 1502, 7)
    wanted = next(a for a in inventory.actuators.values() if a.device == device)
    actuator = found.actuators[0]
    assert (actuator.key, actuator.min_m, actuator.max_m, actuator.safe_m) == (
        wanted.key,
        wanted.min_m,
        wanted.max_m,
        wanted.safe_m,
    )
    assert (settings.broker.ca_file, settings.broker.certificate_file, settings.broker.key_file) == (
        tmp_path / "ca.pem",
        tmp_path / "gw.pem",
        tmp_path / "gw.key",
    )
    assert settings.clock.speed == 30.0
    assert settings.command_keys == (("abc", tmp_path / "key.pem"),)
    assert settings.history == (tmp_path / "h.npz",)
