from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from simulator.history import STATE_FILE, make_history
from simulator.memory import load
from simulator.site import load_site

SITE = Path(__file__).resolve().parents[3] / "sites" / "demo"
START = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)


def test_each_gateway_gets_the_past_of_all_its_channels(tmp_path: Path):
    told: list[tuple[int, int]] = []
    result = make_history(
        SITE, 1, START, START + timedelta(hours=2), 300, lambda done, all_: told.append((done, all_)), out_dir=tmp_path
    )
    site = load_site(SITE)
    modbus = [d for d in site.inventory.devices.values() if not d.model.startswith("dlms_")]  # the others keep their own past
    assert (result.steps, result.readings) == (24, 24 * sum(len(d.channels) for d in modbus))
    assert told[-1] == (24, 24)
    found: dict[str, np.ndarray] = {}
    for node, path in result.files.items():
        assert path == tmp_path / f"history-{node}.npz"
        with np.load(path, allow_pickle=False) as arrays:
            assert {site.inventory.devices[name.split("|")[0]].gateway for name in arrays} == {node}
            found.update(arrays)
    channels = {f"{d.key}|{c.field}" for d in modbus for c in d.channels}
    assert set(found) == {f"{c}|{part}" for c in channels for part in ("t_ms", "value")}
    times = found["flow-medina|flow_m3h|t_ms"]
    assert times.dtype == np.int64
    assert times[0] == int((START + timedelta(minutes=5)).timestamp() * 1000)
    assert set(np.diff(times)) == {300_000}
    volume = found["flow-medina|volume_m3|value"]
    assert volume.dtype == np.float64
    assert np.all(np.diff(volume) > 0)
    assert np.all(found["prv-medina|setpoint_m|value"] == site.inventory.actuators["prv_medina"].safe_m)
    assert load(tmp_path / STATE_FILE) == result.memory
    assert result.memory.time == START + timedelta(hours=2)
    assert result.memory.registers["medina.inlet.volume"] == volume[-1]


def test_the_same_seed_makes_the_same_past(tmp_path: Path):
    files = [
        make_history(SITE, 5, START, START + timedelta(minutes=30), out_dir=tmp_path / name).files["gw-south"]
        for name in ("a", "b")
    ]
    with np.load(files[0]) as first, np.load(files[1]) as second:
        assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_past_without_a_step_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="no step"):
        make_history(SITE, 1, START, START + timedelta(minutes=4), out_dir=tmp_path)
