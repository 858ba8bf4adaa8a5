"""Learning a network in a process of its own: tens of seconds of EPANET must neither hold up the control room nor take it along.

centre ──pickled NetworkPast──▶ python -m app.leak_apart ──pickled LearnedNetwork, or why not──▶ centre
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Awaitable
from contextlib import suppress

import structlog

from app.processes import die_with_parent
from domain.errors import KhettaraError
from leak_detection.network_past import LearnedNetwork, NetworkPast
from protocols.tasks import end_tasks

_NICE = 10
_TOLD = 600
"""Characters of what a child said before it fell."""
log = structlog.get_logger(__name__)


class LearnApart:
    """``leak_detection.network_service.Apart``; says in the log how it went."""

    def __init__(self) -> None:
        self._task: asyncio.Task[LearnedNetwork | str] | None = None

    def start(self, past: Awaitable[NetworkPast]) -> None:
        """Begins; one at a time."""
        self._task = asyncio.create_task(self._learn(past), name="learn-network")

    @property
    def busy(self) -> bool:
        """Whether it is under way, or has an outcome that nobody has taken."""
        return self._task is not None

    def outcome(self) -> LearnedNetwork | str | None:
        """What was learnt, or in words why nothing was."""
        if self._task is None or not self._task.done():
            return None
        task, self._task = self._task, None
        return task.result()

    def say(self, words: str) -> None:
        """Into the log."""
        log.warning("the network layer", says=words)

    async def finished(self) -> None:
        """Waits until nothing is under way; the outcome stays to be taken."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Ends what is under way."""
        if self._task is not None:
            await end_tasks([self._task])

    async def _learn(self, waiting: Awaitable[NetworkPast]) -> LearnedNetwork | str:
        try:
            past = await waiting
            learned = await _in_child(past)
        except KhettaraError as error:
            log.warning("the network layer has not learnt; it tries again in a day", why=str(error))
            return str(error)
        except Exception as error:  # a supervisor: whatever went wrong, the zones' detection goes on, and tomorrow is another try
            log.exception("the network layer has not learnt; it tries again in a day")
            return repr(error)
        before, after = learned.misfit
        log.info(
            "the network layer has learnt",
            days=past.opening, misfit_before=round(before, 2), misfit_after=round(after, 2), leaks=len(learned.run.leaks),
            doubts=learned.doubts,
        )  # fmt: skip
        return learned


async def _in_child(past: NetworkPast) -> LearnedNetwork:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.leak_apart",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    try:
        out, said = await process.communicate(pickle.dumps(past))
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):  # it has just ended by itself
                process.kill()
            await process.wait()
    if process.returncode:
        raise KhettaraError(f"the process that learns ended with {process.returncode}: {said.decode(errors='replace')[-_TOLD:]}")
    found = pickle.loads(out)  # noqa: S301  (written by our own child, through a pipe that nobody else holds)
    if isinstance(found, str):
        raise KhettaraError(found)
    assert isinstance(found, LearnedNetwork)  # noqa: S101  (the child writes nothing else)
    return found


def main() -> None:
    """The child: one past in, one outcome out."""
    from app.cores import open_cores
    from app.leak_learning import BESIDE, learn_network

    os.nice(_NICE)
    # What a C library prints must not get between the bytes of the outcome.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        past = pickle.loads(sys.stdin.buffer.read())  # noqa: S301  (written by our own parent)
        found: LearnedNetwork | str
        try:
            with open_cores(loads=BESIDE) as cores:
                found = learn_network(past, cores=cores)
        except KhettaraError as error:
            found = str(error)
        out.write(pickle.dumps(found))


if __name__ == "__main__":
    main()
