"""A real gateway process that dies by SIGKILL at a named step of a command, and is back soon.

``python -m tests.support.mortal_gateway edge.toml step.txt`` imports everything once, then forks a gateway for each line on its
input and says how each ended. A gateway reads ``step.txt`` at every step of a command: what stands there is where it dies.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from domain.setpoints import Command
from edge.device import DeviceLink
from edge.executor import Executor
from edge.gateway import run_gateway
from edge.journal import Journal, State
from edge.settings import load_edge_settings

STEPS = (
    "admit:before", "admit:after", "look:after", "start:before", "start:after", "write:before", "write:after", "readback:after",
    "finish:before", "finish:after", "tell:before", "recover:before",
)  # fmt: skip
"""In the order of a command's life; ``recover`` is a second death, in the restart after ``start:after``."""


def arm(step_file: Path) -> None:
    """Puts the deaths into the product's own classes; nothing else changes."""

    recover_too = step_file.with_suffix(".too")

    def step(name: str) -> None:
        if step_file.read_text().strip() == name:
            step_file.write_text("recover:before" if name == "start:after" and recover_too.exists() else "")
            os.kill(os.getpid(), signal.SIGKILL)

    def around(owner: Any, name: str, before: str, after: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            step(before)
            result = original(self, *args, **kwargs)
            step(after)
            return result

        setattr(owner, name, call)

    around(Journal, "admit", "admit:before", "admit:after")
    around(Journal, "start", "start:before", "start:after")
    around(Journal, "finish", "finish:before", "finish:after")
    results = Journal.results

    def tell(self: Journal, *args: Any, **kwargs: Any) -> Any:
        found = results(self, *args, **kwargs)
        if found:
            step("tell:before")
        return found

    Journal.results = tell
    read, write, recover = DeviceLink.read_field, DeviceLink.write, Executor._recover
    written: set[int] = set()

    async def read_field(self: DeviceLink, name: str) -> float | None:
        value = await read(self, name)
        step("readback:after" if id(self) in written else "look:after")
        return value

    async def write_it(self: DeviceLink, request: Any, *, allowed: Callable[[], bool]) -> bool:
        def last_moment() -> bool:
            leave = allowed()
            if leave:
                step("write:before")
            return leave

        sent = await write(self, request, allowed=last_moment)
        written.add(id(self))
        step("write:after")
        return sent

    finish = Journal.finish

    def finished(self: Journal, *args: Any, **kwargs: Any) -> None:
        written.clear()
        finish(self, *args, **kwargs)

    Journal.finish = finished

    async def recovering(self: Executor, state: State, command: Command) -> None:
        step("recover:before")
        await recover(self, state, command)

    DeviceLink.read_field = read_field
    DeviceLink.write = write_it
    Executor._recover = recovering


def main(config: Path, step_file: Path) -> None:
    settings = load_edge_settings(config)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            arm(step_file)
            asyncio.run(run_gateway(settings, stop=asyncio.Event()))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"ended {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
