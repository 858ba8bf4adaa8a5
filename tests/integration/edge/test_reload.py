"""A changed configuration: taken, refused, or taken back; the spool is not touched by any of it.

thingsboard-gateway #2124 (a new configuration destroys the spool), telegraf #17414 (a change orphans the buffer).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from edge.gateway import Gateway
from edge.page import StatusPage
from edge.settings import load_edge_settings
from protocols.modbus.profile import load_model
from protocols.modbus.server import RegisterBank, RegisterServer
from protocols.tasks import end_tasks

HEAD = """
[gateway]
group = "demo"
node = "gw"
state_dir = "state"
[broker]
host = "127.0.0.1"
port = 1
[spool]
flush_ms = 20
"""


class Site:
    """Two servers and a gateway without a broker: what it reads stays in the spool."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.file = folder / "edge.toml"
        self.state = folder / "state"
        self.ports = ports
        self.write(self.device("a", 0), self.device("b", 1))
        self.gateway = Gateway(load_edge_settings(self.file), source=self.file)

    def device(self, key: str, port: int | None, **more: object) -> str:
        number = self.ports[port] if port is not None else self.ports[0]
        rows = {"period_s": 0.1, "timeout_s": 0.2, **more}
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in rows.items())
        return f'[[device]]\nkey = "{key}"\nmodel = "generic_tank_level"\nhost = "127.0.0.1"\nport = {number}\n{lines}\n'

    def write(self, *devices: str, head: str = HEAD) -> None:
        self.file.write_text(head + "".join(devices), encoding="utf-8")

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.state / "status.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(90):
            while not ((found := self.status()) and condition(found)):
                await asyncio.sleep(0.05)
        return found


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    banks = [RegisterBank(load_model("generic_tank_level")) for _ in range(2)]
    async with RegisterServer({1: banks[0]}) as first, RegisterServer({1: banks[1], 7: banks[1]}) as second:
        made = Site(tmp_path, [first.port, second.port])
        made.gateway.start()
        await made.until(lambda s: s["devices"]["reached"] == 2 and s["spooled"] >= 10)
        try:
            yield made
        finally:
            await made.gateway.close()


async def test_a_device_more_and_one_less(site: Site) -> None:
    before = site.status()
    site.write(site.device("b", 1), site.device("c", 1, unit_id=7))
    found = await site.until(lambda s: s["configuration"]["generation"] == 2 and s["configuration"]["state"] == "running")
    assert set(found["devices"]["breakers"]) == {"b", "c"}
    found = await site.until(lambda s: s["spooled"] > before["spooled"] + 20)
    assert found["epoch"] == before["epoch"]
    assert found["dropped"] == 0


async def test_what_cannot_be_is_refused_and_the_old_goes_on(site: Site) -> None:
    site.write(site.device("a", 0), site.device("b", 1, model="generic_tank_lever").replace('model = "generic_tank_level"\n', ""))
    found = await site.until(lambda s: s["configuration"]["state"] == "refused")
    assert "did you mean 'generic_tank_level'" in found["configuration"]["detail"]
    assert found["configuration"]["generation"] == 1
    site.write(site.device("a", 0), site.device("b", 1), head=HEAD.replace("flush_ms = 20", "flush_ms = 30"))
    found = await site.until(lambda s: "spool" in s["configuration"]["detail"])
    assert "a restart" in found["configuration"]["detail"]
    spooled = found["spooled"]
    await site.until(lambda s: s["spooled"] > spooled + 10)
    site.write(site.device("a", 0), site.device("b", 1))
    await site.until(lambda s: s["configuration"]["detail"] == "nothing has changed")


async def test_a_change_that_silences_a_device_is_taken_back(site: Site) -> None:
    """The new address answers nobody: after its trial the old one is back, by itself."""
    site.write(site.device("a", 0), site.device("b", 1, unit_id=99))
    await site.until(lambda s: s["configuration"]["state"] == "trial")
    found = await site.until(lambda s: s["configuration"]["state"] == "rolled_back")
    assert found["configuration"]["detail"] == "no answer any more from b"
    found = await site.until(lambda s: s["devices"]["reached"] == 2)
    spooled = found["spooled"]
    await site.until(lambda s: s["spooled"] > spooled + 20 and s["devices"]["breakers"] == {"a": "closed", "b": "closed"})


async def test_a_device_that_was_silent_before_is_no_reason_to_go_back(site: Site) -> None:
    site.write(site.device("a", 0), site.device("b", 1), site.device("ghost", 1, unit_id=50))
    await site.until(lambda s: s["configuration"]["generation"] == 2 and s["configuration"]["state"] == "running")
    await site.until(lambda s: s["devices"]["unreached"] == ["ghost"])
    site.write(site.device("a", 0), site.device("b", 1), site.device("ghost", 1, unit_id=51))
    await site.until(lambda s: s["configuration"]["generation"] == 3 and s["configuration"]["state"] == "running")


async def test_hangup_reads_again_without_a_change(site: Site) -> None:
    site.gateway.reload()
    await site.until(lambda s: s["configuration"]["detail"] == "nothing has changed")


async def test_the_page_the_metrics_and_nothing_else() -> None:
    document = {"edge": "demo/<gw>", "spooled": 7, "polls": {"polls": 3, "failed": 1}, "devices": {"breakers": {"a": "open"}}}
    page = StatusPage(0, lambda: document)
    task = asyncio.create_task(page.run())
    while page.port == 0:
        await asyncio.sleep(0.001)

    async def get(line: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
        writer.write(f"{line}\r\nHost: x\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer.decode()

    assert "demo/&lt;gw&gt;" in await get("GET / HTTP/1.1")
    text = await get("GET /metrics HTTP/1.1")
    assert "khettara_edge_spooled_total 7.0" in text
    assert 'khettara_edge_polls_total{outcome="failed"} 1.0' in text
    assert 'khettara_edge_device_reached{device="a"} 0.0' in text
    assert json.loads((await get("GET /status.json HTTP/1.1")).split("\r\n\r\n", 1)[1]) == document
    assert (await get("GET /etc/passwd HTTP/1.1")).startswith("HTTP/1.1 404")
    assert (await get("POST / HTTP/1.1")).startswith("HTTP/1.1 405")
    assert (await get("nonsense")).startswith("HTTP/1.1 405")
    await end_tasks([task])
