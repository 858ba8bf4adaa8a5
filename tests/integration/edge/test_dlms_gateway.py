"""A whole gateway with a DLMS meter: a real broker, rows up, a signed order down, a wrong key on the status page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from domain.clock import ScaledClock
from domain.setpoints import Verified
from edge.gateway import run_gateway
from edge.metrics import metrics
from edge.settings import EdgeSettings, load_edge_settings
from protocols.dlms.keyring import MeterSecrets
from protocols.sparkplug.commands import encode_command
from protocols.sparkplug.keys import save_public_key
from protocols.sparkplug.topics import MessageType, Topic
from simulator.dlms_meters import VALVE
from tests.support.dlms_site import START, Street
from tests.support.mosquitto import Mosquitto
from tests.support.prv_site import KEY, command
from tests.support.receiver import Receiver

EDGE = "demo/gw"
SPEED = 600.0
TOML = """
[gateway]
group = "demo"
node = "gw"
state_dir = "state"
[broker]
host = "127.0.0.1"
port = {broker}
[clock]
kind = "scaled"
wall_origin = {wall}
sim_origin = {sim}
speed = {speed}
[spool]
flush_ms = 20
[keys]
kek_file = "kek"
[commands]
keys = {{ desk-1 = "desk.pem" }}
"""
METER = """
[[device]]
key = "{name}"
model = "dlms_water_meter"
host = "127.0.0.1"
port = {port}
period_s = 600
timeout_s = 20
[device.dlms]
client = 1
server = {number}
access = "gmac"
system_title = "KHT00001"
keys_file = "{name}.toml"
backfill_days = 2
[[device.actuator]]
key = "supply-{name}"
field = "supply_state"
min_m = 0
max_m = 1
safe_m = 1
ramp_up_m = 1
ramp_down_m = 1
min_interval_s = 0
lease_s = 60
"""


def configure(town: Street, broker: int, wall: float) -> EdgeSettings:
    save_public_key(town.folder / "desk.pem", KEY.public_key())
    text = TOML.format(broker=broker, wall=wall, sim=START.timestamp(), speed=SPEED)
    for number, name in enumerate(town.names, 1):
        text += METER.format(name=name, number=number, port=town.meters.port)
    (town.folder / "edge.toml").write_text(text)
    return load_edge_settings(town.folder / "edge.toml")


@contextlib.asynccontextmanager
async def running(settings: EdgeSettings) -> AsyncIterator[None]:
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(run_gateway(settings, stop=stop, on_ready=ready.set))
    await asyncio.wait([task, asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        stop.set()
        await task


async def test_rows_up_an_order_down_and_a_meter_that_is_left_alone(tmp_path: Path, broker: Mosquitto, centre: Receiver) -> None:
    wall = time.time()
    clock = ScaledClock(wall=time.time, wall_origin=wall, sim_origin=START.timestamp(), speed=SPEED)
    town = Street(folder=tmp_path, clock=clock)  # type: ignore[arg-type]  # nobody moves it by hand here
    town.write_keys("m2", MeterSecrets(encryption=bytes(16), authentication=bytes(16)))
    await town.meters.start()

    def volumes() -> list[tuple[int, float]]:
        found = [m for _, m in centre.readings.values() if centre.aliases[EDGE, m.alias or 0] == ("m1", "volume_m3")]
        return sorted((m.timestamp_ms or 0, float(m.value or 0)) for m in found)

    try:
        async with running(configure(town, broker.port, wall)):
            await centre.until(lambda: len(volumes()) >= 48)
            order = command(
                1, 0.0, clock.now(), actuator="supply-m1", device="m1", field="supply_state",
                expires_at=clock.now() + timedelta(hours=10), lease_s=60.0,
            )  # fmt: skip
            topic = Topic(group="demo", message_type=MessageType.DCMD, node="gw", device="m1")
            await centre.publish(topic, encode_command(order, KEY))
            await centre.until(lambda: any(isinstance(o, Verified) and o.readback_m == 0.0 for o in centre.outcomes))
            alarm = "alarm:meter_quarantined:m2@"
            await centre.until(lambda: any(o.command_id.startswith(alarm) for o in centre.outcomes))
            ended = clock.now()
            await centre.until(lambda: clock.now() > ended + timedelta(hours=1))  # no lease switches it on again
        state = town.meters.meters[1].meter.objects[70, VALVE].get(2).data
        assert state is not None
        assert state.value is False
        found = volumes()
        every = town.hours("m1", START - timedelta(days=2), clock.now())
        assert found == [row for row in every if found[0][0] <= row[0] <= found[-1][0]]
        assert len({time_ms for time_ms, _ in found}) == len(found)
        document = json.loads((tmp_path / "state" / "status.json").read_text())
        assert set(document["meters"]["quarantined"]) == {"m2"}
        assert document["devices"]["breakers"] == {"m1": "closed", "m2": "open"}
        page = metrics(document).decode()
        assert 'khettara_edge_meter_quarantined{device="m2",reason="credentials"} 1.0' in page
        assert "m2" in [s.topic.device for s in centre.of(MessageType.DDEATH)]
        # One try: the meter has heard of the wrong key once, and no key is anywhere but in the wrapped files.
        secret = town.credentials["m1"].encryption
        for path in tmp_path.rglob("*"):
            if path.is_file():
                raw = path.read_bytes()
                assert secret not in raw
                assert secret.hex().encode() not in raw
    finally:
        await town.meters.stop()
