"""The embedded MQTT 5 broker: iotcore (rumqttd) in a child process on the loopback address.

Nothing in it survives its restart, and nothing needs to: receipts come from the database, and states and births are sent again
on every connect. Its log segments are kept small, because it keeps what it routed.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app.embedded.ports import LOOPBACK, free_port, listens
from app.files import write_private
from app.processes import Child
from domain.errors import KhettaraError

USER = "khettara"

_CONFIG = """\
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 4194304
max_segment_count = 8
[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = 1048576
max_inflight_count = 200
dynamic_filters = true
[v5.1.connections.auth]
{user} = "{password}"
"""

_CHILD = """\
import os, sys, threading
from iotcore import IotCoreBroker
def leave_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=leave_with_parent, daemon=True).start()
IotCoreBroker(config_path=sys.argv[1]).run_forever()
"""


class BrokerNotUp(KhettaraError):
    """The embedded broker did not start listening."""


class EmbeddedBroker:
    """One broker, its folder, its port and its password.

    Args:
        folder: Where configuration, password and log live; made if absent.
        port: Port to listen on; None takes a free one.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.host = LOOPBACK
        self.port = port or free_port()
        self.username = USER
        self.password_file = folder / "password"
        self._folder = folder
        self._child: Child | None = None

    def start(self, timeout_s: float = 20.0) -> None:
        """Starts the broker and returns when it accepts connections.

        Raises:
            BrokerNotUp: It ended or did not listen in time; the message names its log.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "broker.toml"
        write_private(config, _CONFIG.format(port=self.port, user=USER, password=self._password()))
        self._launch([sys.executable, "-c", _CHILD, str(config)], self._folder / "broker.log", timeout_s)

    def _launch(self, command: Sequence[str], log: Path, timeout_s: float) -> None:
        """Starts a broker's program and waits until it listens."""
        self._child = Child("broker", command, log=log, stdin_pipe=True)
        self._child.start()
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._child.returncode is not None:
                raise BrokerNotUp(f"the broker ended with code {self._child.returncode} at its start; see {log}")
            if listens(self.port):
                return
            time.sleep(0.05)
        self.stop()
        raise BrokerNotUp(f"the broker did not listen on 127.0.0.1:{self.port} within {timeout_s:g} s; see {log}")

    def stop(self) -> None:
        """Ends the broker; nothing happens if it is not running."""
        if self._child is not None:
            self._child.stop(timeout_s=3.0)
            self._child = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child else None

    def _password(self) -> str:
        if not self.password_file.exists():
            write_private(self.password_file, secrets.token_urlsafe(24))
        return self.password_file.read_text()
