"""TCP ports of the loopback address: a free one, and whether somebody listens on one."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

LOOPBACK = "127.0.0.1"
_ANSWER_WITHIN_S = 0.3
FIRST, _MANY = 20_000, 12_000
_TRIES = 50


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago.

    Below those that systems hand out to outgoing connections: one of these could take it before the server does that asks for it.
    """
    for _ in range(_TRIES):
        with socket.socket() as probe, suppress(OSError):  # taken: the next one
            probe.bind((LOOPBACK, FIRST + secrets.randbelow(_MANY)))
            return int(probe.getsockname()[1])
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
