"""The console behind a web server in this process: for ``app``, and for tests that need a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI

from console.runtime import Runtime


class _Server(uvicorn.Server):
    """Leaves signals to whoever owns the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured."""
        yield


@contextlib.asynccontextmanager
async def serve(app: FastAPI, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves the console while the block runs; the value is its URL.

    Args:
        app: From ``create_app``.
        host: Address to listen on.
        port: 0 takes a free one.

    Raises:
        OSError: The port is taken.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=3, ws="none", server_header=False
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="console-server")
    try:
        while not server.started and not task.done():  # noqa: ASYNC110  (uvicorn tells it no other way)
            await asyncio.sleep(0.01)
        if task.done():
            await task
            raise OSError(f"the console could not start on {host}:{port}")
        bound = listener.getsockname()[1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    finally:
        # Event streams never end by themselves: close them first, or the server waits for its time limit.
        console: Runtime = app.state.console
        await console.feed.close()
        server.should_exit = True
        await task
        listener.close()
