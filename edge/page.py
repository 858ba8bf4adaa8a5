"""A page for whoever stands before the gateway, and metrics for whoever scrapes them: 127.0.0.1 alone, reading alone.

/             the status as a page that renews itself        /status.json   the document itself
/metrics      its numbers for Prometheus
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from edge.metrics import metrics

_LONGEST_S = 5.0
_MOST_BYTES = 8192


class StatusPage:
    """A tiny HTTP server: one request a connection."""

    def __init__(self, port: int, document: Callable[[], Mapping[str, Any]]) -> None:
        """``port`` 0 takes any free one."""
        self._port = port
        self._document = document
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port in use, once it runs."""
        return self._port if self._server is None else int(self._server.sockets[0].getsockname()[1])

    async def run(self) -> None:
        """Serves until cancelled. Raises ``OSError`` when the port is taken."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=_MOST_BYTES)
        try:
            await self._server.serve_forever()
        finally:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A reader that goes, dawdles or talks too long gets no answer: nothing of the gateway's own has failed.
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_LONGEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(respond(head, self._document()))
                await writer.drain()
        writer.close()


def respond(head: bytes, document: Mapping[str, Any]) -> bytes:
    """The whole answer to a request's head."""
    parts = head.split(b"\r\n", 1)[0].split(b" ")
    path = parts[1].split(b"?", 1)[0] if len(parts) == 3 else b""
    if parts[0] != b"GET":
        return _answer("405 Method Not Allowed", "text/plain", b"only GET\n")
    if path == b"/":
        return _answer("200 OK", "text/html; charset=utf-8", page(document).encode())
    if path == b"/metrics":
        return _answer("200 OK", "text/plain; version=0.0.4; charset=utf-8", metrics(document))
    if path == b"/status.json":
        return _answer("200 OK", "application/json", json.dumps(document, indent=1, sort_keys=True).encode())
    return _answer("404 Not Found", "text/plain", b"/, /metrics or /status.json\n")


def _answer(status: str, kind: str, body: bytes) -> bytes:
    lines = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + body


def page(document: Mapping[str, Any]) -> str:
    """The status as HTML: no script, nothing from elsewhere."""
    devices = document.get("devices", {}).get("breakers", {})
    rows = "".join(f"<tr><td>{escape(str(k))}</td><td>{escape(str(v))}</td></tr>" for k, v in devices.items())
    numbers = "".join(
        f"<tr><td>{escape(key)}</td><td>{escape(_shown(value))}</td></tr>" for key, value in document.items() if key != "devices"
    )
    title = escape(str(document.get("edge", "starting")))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>{title}</title>'
        "<style>body{font:15px sans-serif;margin:2em}td{padding:.1em 1em .1em 0}</style>"
        f"<h1>{title}</h1><table>{numbers}</table><h2>Devices</h2><table>{rows}</table></html>"
    )


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {word}" for key, word in value.items())
    return str(value)
