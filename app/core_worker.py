"""One process that does what it is asked, item by item, and ends with whoever asks.

asks ──work, item──▶ does it ──result, or what went wrong──▶ asks the next
"""

from __future__ import annotations

import importlib
import multiprocessing
import pickle
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from app.processes import die_with_parent
from domain.errors import KhettaraError

In = TypeVar("In")
Out = TypeVar("Out")
State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is wanted: a function of the top level of a module, and what it takes, before it the state that is kept if need be."""

    work: Callable[..., Any]
    item: Any
    with_state: bool


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class Worker:
    """A process of its own, from here to ``close`` or ``end``; one thread at a time asks it."""

    def __init__(self, loads: Sequence[str] = ()) -> None:
        """Starts it.

        Args:
            loads: Modules that it imports before it is asked anything.
        """
        # Forking a process that has threads may hang; a fresh interpreter cannot.
        spawn = multiprocessing.get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, tuple(loads)), daemon=True)
        self._process.start()
        theirs.close()
        self._joining = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid

    def do(self, work: Callable[[In], Out], item: In) -> Out:
        """Work that needs nothing but the item.

        Raises:
            KhettaraError: What the work raises, or the process has ended.
        """
        found: Out = self._asked(_Ask(work, item, with_state=False))
        return found

    def keep(self, state: State) -> None:
        """What ``go_on`` begins from."""
        self._asked(_Ask(_kept, state, with_state=True))

    def go_on(self, work: Callable[[State, In], tuple[State, Out]], item: In) -> Out:
        """Work that changes the state that is kept.

        Raises:
            KhettaraError: What the work raises, or the process has ended.
        """
        found: Out = self._asked(_Ask(work, item, with_state=True))
        return found

    def give(self) -> Any:
        """The state that is kept, which is no longer kept afterwards."""
        return self._asked(_Ask(_given, None, with_state=True))

    def end(self) -> None:
        """Ends it in the middle of its work."""
        self._process.terminate()

    def close(self) -> None:
        """Lets it end, and waits until it has."""
        self._connection.close()
        self._join()

    def _join(self) -> None:
        # Of two threads that wait for a process one is told of its end, and the other comes back before that is known.
        with self._joining:
            self._process.join()

    def _asked(self, ask: _Ask) -> Any:
        try:
            self._connection.send(ask)
            found = self._connection.recv()
        except (EOFError, OSError) as error:
            self._join()
            raise KhettaraError(
                f"a process that shares this work has ended with {self._process.exitcode} before its part was done: most often the "
                "machine has too little memory (100 MB for each process), or somebody ended it; bound to one core "
                "(taskset -c 0 khettara …) no other process is needed"
            ) from error
        if isinstance(found, _Failed):
            raise found.error
        return found


def _kept(_before: object, state: State) -> tuple[State, None]:
    return state, None


def _given(state: State, _item: object) -> tuple[None, State]:
    return None, state


def _serve(connection: Connection, loads: Sequence[str]) -> None:
    """The process: until whoever asks hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is our parent's business
    if (arm := die_with_parent(signal.SIGKILL)) is not None:
        arm()
    for module in loads:
        importlib.import_module(module)
    state: object = None
    with suppress(EOFError, OSError):
        while True:
            ask: _Ask = connection.recv()
            try:
                if ask.with_state:
                    state, found = ask.work(state, ask.item)
                else:
                    found = ask.work(ask.item)
            except Exception as error:  # noqa: BLE001  (whatever it is, whoever asked is told)
                found = _Failed(_sendable(error))
            connection.send(found)


def _sendable(error: Exception) -> Exception:
    """The same, or its words where it cannot be sent as it is."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  (written here)
    except Exception:  # noqa: BLE001  (errors that take names alone cannot be read back, and each says so in its own way)
        return KhettaraError(str(error))
    return error
