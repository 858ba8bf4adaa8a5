"""Real MQTT 5 brokers on the loopback address, for tests: mosquitto, and the embedded one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.embedded.broker import EmbeddedBroker
from app.embedded.ports import free_port

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin")


class Mosquitto:
    """One mosquitto; forgets everything when it is killed, and comes back on the same port."""

    username: str | None = None
    password: str | None = None

    def __init__(self, folder: Path) -> None:
        if MOSQUITTO is None:
            pytest.skip("mosquitto is not installed on this machine")
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "set_tcp_nodelay true\nmax_queued_messages 0\n"
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts it and returns when it accepts connections."""
        assert MOSQUITTO is not None
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", str(self._config), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(30):
            while not await accepts(self.port):
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Kills it."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None


class Embedded:
    """The broker of the demonstration."""

    def __init__(self, folder: Path) -> None:
        pytest.importorskip("iotcore", reason="the embedded broker (extra 'embedded') is not installed")
        self._broker = EmbeddedBroker(folder)
        self.port = self._broker.port

    username: str | None = "khettara"

    @property
    def password(self) -> str | None:
        """Made at the first start."""
        return self._broker.password_file.read_text()

    async def start(self) -> None:
        """Starts it and returns when it accepts connections."""
        await asyncio.to_thread(self._broker.start)

    async def stop(self) -> None:
        """Ends it."""
        await asyncio.to_thread(self._broker.stop)


Broker = Mosquitto | Embedded
KINDS: dict[str, type[Mosquitto] | type[Embedded]] = {"mosquitto": Mosquitto, "embedded": Embedded}


@asynccontextmanager
async def running(kind: str, folder: Path) -> AsyncIterator[Broker]:
    """A started broker that ends with the block."""
    broker = KINDS[kind](folder)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


async def accepts(port: int) -> bool:
    """Whether somebody listens on the port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
