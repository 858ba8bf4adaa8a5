from __future__ import annotations

import secrets
import socket
from pathlib import Path

import pytest

from app.embedded import ports


def test_a_free_port_is_none_that_an_outgoing_connection_is_given() -> None:
    outgoing = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(outgoing.read_text().split()[0]) if outgoing.exists() else 49_152
    assert all(1024 < ports.free_port() < first for _ in range(50))


def test_a_port_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        taken = server.getsockname()[1]
        free = ports.free_port()
        offered = iter(port - ports.FIRST for port in (taken, taken, free))
        monkeypatch.setattr(secrets, "randbelow", lambda _: next(offered))
        assert ports.free_port() == free
        assert ports.listens(taken)
