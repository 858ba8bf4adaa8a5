"""A receiver of webhooks on this machine, and the sender as a process of its own that can be killed at work."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from storage.roles import Role
from tests.support.postgres import FreshDatabase


@dataclass
class Sink:
    """Takes webhooks; ``hold`` lets a request hang until it is set, ``status`` is its answer."""

    url: str = ""
    status: int = 200
    taken: list[tuple[str, str, str]] = field(default_factory=list)
    """(recipient, alert, Idempotency-Key) of each request answered with success."""
    bodies: list[tuple[str, Any]] = field(default_factory=list)
    """(path, JSON) of the same."""
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    hold: threading.Event = field(default_factory=threading.Event)

    @property
    def plain_url(self) -> str:
        """The address as machines write it."""
        return self.url.replace("json://", "http://")


@contextmanager
def running_sink() -> Iterator[Sink]:
    """A sink on a free port."""
    found = Sink()
    found.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found.asked.release()
            if not found.hold.wait(60):
                return
            try:
                self.send_response(found.status)
                self.send_header("content-length", "0")
                self.end_headers()
                self.wfile.flush()
            except OSError:  # the sender was killed meanwhile
                return
            if found.status == 200:
                found.bodies.append((self.path, body))
                named = body if isinstance(body, dict) else {}
                found.taken.append((named.get("title", ""), named.get("message", ""), self.headers["Idempotency-Key"]))

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"json://127.0.0.1:{server.server_port}/hook"
    yield found
    server.shutdown()
    server.server_close()


def start_sender(database: FreshDatabase, sink: Sink, now: datetime) -> subprocess.Popen[bytes]:
    """The sender as a process; it sends what is due at ``now`` and ends."""
    command = [sys.executable, "-m", "tests.support.notice_sender", database.dsn(Role.COMMAND), sink.url, str(now.timestamp())]
    return subprocess.Popen(command)


def kill_at_work(database: FreshDatabase, sink: Sink, now: datetime) -> None:
    """Starts the sender and kills it (SIGKILL) while a message is on its way and its answer is not there."""
    while sink.asked.acquire(blocking=False):
        pass
    sink.hold.clear()
    sender = start_sender(database, sink, now)
    try:
        assert sink.asked.acquire(timeout=60), "nothing was sent"
    finally:
        sender.kill()
        sender.wait()
        sink.hold.set()
