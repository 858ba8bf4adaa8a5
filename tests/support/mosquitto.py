"""A real mosquitto on a free port of this machine, for tests that need a broker they did not write."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.embedded.ports import free_port, listens

START_S = 60.0


def mosquitto_binary() -> str:
    """Path of mosquitto; skips the test where there is none."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto")
    return found


def wait_until_listening(*ports: int, alive: Callable[[], bool], said: Callable[[], str]) -> None:
    """Returns when each port of 127.0.0.1 is listened on.

    Raises:
        RuntimeError: The server has died, or took too long; with what it ``said``.
    """
    deadline = time.monotonic() + START_S
    for port in ports:
        while not listens(port):
            if not alive() or time.monotonic() > deadline:
                raise RuntimeError(f"nothing listens on port {port}: {said()}")
            time.sleep(0.02)


class Mosquitto:
    """One broker that can be killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._binary = mosquitto_binary()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it accepts connections."""
        process = subprocess.Popen([self._binary, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._process = process
        wait_until_listening(self.port, alive=lambda: process.poll() is None, said=lambda: f"mosquitto on {self._config}")

    def kill(self) -> None:
        """Dies as by a power cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def mosquitto(folder: Path) -> Iterator[Mosquitto]:
    """A running broker, gone afterwards."""
    broker = Mosquitto(folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
