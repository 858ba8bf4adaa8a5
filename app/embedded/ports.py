"""TCP ports of the loopback address: a free one, and whether somebody listens on one."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"
_ANSWER_WITHIN_S = 0.3


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether a connection to this port of 127.0.0.1 is accepted."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_ANSWER_WITHIN_S):
            return True
    except OSError:
        return False
