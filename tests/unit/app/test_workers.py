"""Workers start together, come back when they fall, and stop together."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from app.workers import pause_after, run_workers

_WORKER = """
import os, pathlib, signal, sys
def leave(*_):
    pathlib.Path(sys.argv[1], f"{os.getpid()}.stopped").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
while True:
    signal.pause()
"""


def lives(folder: Path) -> set[int]:
    """Pids of every worker that ever started."""
    return {int(path.name) for path in folder.iterdir() if not path.suffix}


def is_up(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until_lives(folder: Path, count: int) -> set[int]:
    async with asyncio.timeout(60):
        while len(found := lives(folder)) < count:
            await asyncio.sleep(0.01)
    return found


async def test_a_worker_that_falls_comes_back_and_all_stop_together(tmp_path: Path) -> None:
    stop = asyncio.Event()
    argv = [sys.executable, "-c", _WORKER, str(tmp_path)]
    running = asyncio.create_task(run_workers(argv, 2, stop, first_pause_s=0.01))
    first = await until_lives(tmp_path, 2)
    fallen = min(first)
    os.kill(fallen, signal.SIGKILL)
    after = await until_lives(tmp_path, 3)
    assert is_up(max(first)), "its neighbour goes on"
    stop.set()
    await running
    assert not any(is_up(pid) for pid in after)
    asked = {int(path.stem) for path in tmp_path.glob("*.stopped")}
    assert asked <= after - {fallen}
    assert max(first) in asked, "they are asked before they are ended"


def test_the_pause_doubles_up_to_a_limit() -> None:
    assert [pause_after(n) for n in (1, 2, 3, 7, 100)] == [0.5, 1.0, 2.0, 30.0, 30.0]
