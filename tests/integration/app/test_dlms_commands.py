"""``khettara dlms``: one meter by hand, with the gateway's own keys and counters; and the benchmark runs."""

from __future__ import annotations

import asyncio
import io
import json
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from app.bench_dlms import bench_dlms, describe
from app.dlms_probe import run_meter_probe, run_token, run_wrap
from app.edge_check import check_file
from app.edge_probe import run_probe
from domain.errors import ConfigurationError
from protocols.dlms.keyring import parse_kek, unwrap
from protocols.dlms.server_prepayment import make_token
from simulator.dlms_meters import MeterKind
from tests.support.dlms_site import Street

EDGE = """
[gateway]
group = "demo"
node = "gw"
state_dir = "state"
[broker]
host = "127.0.0.1"
[keys]
kek_file = "kek"
[[device]]
key = "m1"
model = "dlms_prepaid_water_meter"
host = "127.0.0.1"
port = {port}
timeout_s = 20
[device.dlms]
client = 1
access = "gmac"
system_title = "KHT00001"
keys_file = "m1.toml"
[[device]]
key = "flow"
model = "generic_flowmeter"
host = "127.0.0.1"
"""


async def test_a_meter_is_probed_and_takes_a_token(tmp_path: Path) -> None:
    town = Street(folder=tmp_path, names=("m1",), kind=MeterKind.PREPAID)
    await town.meters.start()
    config = tmp_path / "edge.toml"
    config.write_text(EDGE.format(port=town.meters.port))
    said = Console(record=True, width=200, file=io.StringIO())
    try:
        assert "2 devices" in check_file(config)
        assert await asyncio.to_thread(run_meter_probe, config, "m1", said) == 0
        text = said.export_text()
        assert "volume_m3" in text
        assert "2026-03-20T10:05:00" in text
        assert "every 3600 s" in text
        token = make_token(town.credentials["m1"].token_key, amount=100, number=7)
        assert await asyncio.to_thread(run_token, config, "m1", token, said) == 0
        assert await asyncio.to_thread(run_token, config, "m1", token, said) == 1
        text = said.export_text()
        assert "executed" in text
        assert "validation_failure" in text
        public = partial(run_probe, "127.0.0.1", "dlms_prepaid_water_meter", port=town.meters.port, unit_id=1, timeout_s=20.0)
        assert await asyncio.to_thread(public, rtu=False, console=said) == 0
        assert "credit_amount" in said.export_text()
        with pytest.raises(ConfigurationError, match="20 decimal digits"):
            await asyncio.to_thread(run_token, config, "m1", "1", said)
        with pytest.raises(ConfigurationError, match="a DLMS meter: m1"):
            await asyncio.to_thread(run_meter_probe, config, "flow", said)
    finally:
        await town.meters.stop()
    assert town.meters.meters[1].meter.replayed == 0


def test_a_shipment_is_wrapped(tmp_path: Path) -> None:
    keys = {"encryption": "00" * 16, "authentication": "11" * 16, "password": b"secret".hex()}
    (tmp_path / "shipment.json").write_text(json.dumps({"a": keys, "b": keys}))
    run_wrap(tmp_path / "shipment.json", tmp_path / "keys", tmp_path / "kek", Console(quiet=True))
    kek = parse_kek((tmp_path / "kek").read_text(), "kek")
    text = (tmp_path / "keys" / "a.toml").read_text()
    assert "00" * 16 not in text
    table = dict(line.replace('"', "").split(" = ") for line in text.splitlines())
    assert unwrap(kek, table, "a").password == b"secret"
    (tmp_path / "bad.json").write_text('{"a": {"encryption": "zz"}}')
    with pytest.raises(ConfigurationError, match="hexadecimal"):
        run_wrap(tmp_path / "bad.json", tmp_path / "keys", tmp_path / "kek", Console(quiet=True))


def test_the_benchmark_runs() -> None:
    found = bench_dlms(seconds=0.2, peer_python=None, peer_script=Path("none"))
    assert found.profile_ms > 0
    assert found.gets_per_s > 0
    assert "no peers" in describe(found)[-1]


def test_a_model_file_is_checked() -> None:
    folder = Path(__file__).resolve().parents[3] / "protocols" / "device_models"
    assert "7 fields of a DLMS meter, 6 samples" in check_file(folder / "dlms_water_meter.toml")
