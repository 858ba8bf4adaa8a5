"""Several processes of one command under one parent: they start together, come back when they fall, and stop together."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Sequence

import structlog

from app.processes import die_with_parent

_STEADY_S = 60.0
"""A worker that has lived so long starts again at once."""
_STOP_S = 20.0
"""How long a worker may take to write what it has read; then it is ended by force, and its gateways send again."""
log = structlog.get_logger(__name__)


def pause_after(falls: int, *, first_s: float = 0.5, longest_s: float = 30.0) -> float:
    """How long to wait before the next start [s]: doubles with each fall in a row, from ``first_s`` to ``longest_s``."""
    return float(min(longest_s, first_s * 2.0 ** min(falls - 1, 30)))


async def run_workers(argv: Sequence[str], count: int, stop: asyncio.Event, *, first_pause_s: float = 0.5) -> None:
    """Keeps ``count`` processes running until ``stop``; their output is ours.

    Args:
        argv: Program and arguments of each.
        count: How many.
        stop: Ends them all.
        first_pause_s: See ``pause_after``.
    """
    await asyncio.gather(*(_keep(argv, number, stop, first_pause_s) for number in range(1, count + 1)))


async def _keep(argv: Sequence[str], number: int, stop: asyncio.Event, first_pause_s: float) -> None:
    falls = 0
    while not stop.is_set():
        started = time.monotonic()
        code = await _once(argv, number, stop)
        if stop.is_set():
            return
        falls = 1 if time.monotonic() - started >= _STEADY_S else falls + 1
        pause_s = pause_after(falls, first_s=first_pause_s)
        log.error("worker_fell", worker=number, code=code, again_in_s=pause_s)
        with contextlib.suppress(TimeoutError):  # the pause is over; only a stop ends it early
            await asyncio.wait_for(stop.wait(), pause_s)


async def _once(argv: Sequence[str], number: int, stop: asyncio.Event) -> int | None:
    """One life of a worker; its exit code."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C at the terminal reaches us alone: we decide how they stop
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    log.info("worker_started", worker=number, pid=process.pid)
    ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if process.returncode is None:
            process.terminate()
            await asyncio.wait({ended}, timeout=_STOP_S)
        return process.returncode
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        for task in (ended, stopped):
            task.cancel()
        await asyncio.gather(ended, stopped, return_exceptions=True)
