"""Work shared among the processor cores that this process may use; on one core all of it is done here, in plain loops.

Work is a pure function of the top level of a module, so what it finds does not depend on how many cores there are, and results
come in the order of the items.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

from app.core_worker import Worker

In = TypeVar("In")
Out = TypeVar("Out")
State = TypeVar("State")

_MOST_OTHERS = 1
"""Processes beside this one: it has as much to do itself, and each takes 100 MB."""


@dataclass(slots=True, kw_only=True)
class Chain(Generic[State, Out]):
    """Work that hands a state from one item to the next."""

    state: State
    """Once all results are taken: as the last item has left it."""
    results: Iterator[Out]
    """Of each item, in order."""


class Cores(Protocol):
    """Does work here or in other processes."""

    def map(self, work: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
        """Results in the order of the items; with processes they are begun at once.

        Raises:
            KhettaraError: What the work raises, or a process has ended before its work was done.
        """
        ...

    def chain(self, work: Callable[[State, In], tuple[State, Out]], state: State, items: Iterable[In]) -> Chain[State, Out]:
        """The same for work that needs the state in which the item before has left it.

        With processes it runs ahead of whoever takes the results; the state stays where the work is done.

        Raises:
            KhettaraError: As ``map``.
        """
        ...


class _Here:
    """In this process, when a result is asked for."""

    def map(self, work: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
        return map(work, items)

    def chain(self, work: Callable[[State, In], tuple[State, Out]], state: State, items: Iterable[In]) -> Chain[State, Out]:
        def step(item: In) -> Out:
            chain.state, found = work(chain.state, item)
            return found

        chain = Chain[State, Out](state=state, results=map(step, items))
        return chain


HERE: Cores = _Here()
"""One core."""


class _Processes:
    """In other processes of this machine; a thread waits for each that is at work."""

    def __init__(self, workers: Sequence[Worker], threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)

    def map(self, work: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
        def ask(item: In) -> Out:
            with self._borrowed() as worker:
                return worker.do(work, item)

        return self._threads.map(ask, items)

    def chain(self, work: Callable[[State, In], tuple[State, Out]], state: State, items: Iterable[In]) -> Chain[State, Out]:
        def steps() -> Iterator[Out]:
            with self._borrowed() as worker:
                worker.keep(state)
                for item in items:
                    yield worker.go_on(work, item)
                chain.state = worker.give()

        chain = Chain[State, Out](state=state, results=iter(()))
        chain.results = _ahead(steps())
        return chain

    @contextmanager
    def _borrowed(self) -> Iterator[Worker]:
        worker = self._idle.get()
        try:
            yield worker
        finally:
            self._idle.put(worker)


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_cores(others: int | None = None, loads: Sequence[str] = ()) -> Iterator[Cores]:
    """Cores to share work among; at the end, and at once when something goes wrong, no other process is left.

    Args:
        others: Processes beside this one; by the cores that this process may use if None. With none the work is done here.
        loads: Modules that each process imports while we do something else.
    """
    others = min(usable_cores() - 1, _MOST_OTHERS) if others is None else others
    if others < 1:
        yield HERE
        return
    workers = [Worker(loads) for _ in range(others)]
    threads = ThreadPoolExecutor(others, thread_name_prefix="cores")
    try:
        yield _Processes(workers, threads)
    except BaseException:  # also Ctrl-C: nobody waits for work that nobody wants any more
        for worker in workers:
            worker.end()
        raise
    finally:
        threads.shutdown(cancel_futures=True)
        for worker in workers:
            worker.close()


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing more comes, or only this."""

    error: BaseException | None = None


def _ahead(results: Iterator[Out]) -> Iterator[Out]:
    """The same results, asked for by a thread as soon as they can be: it waits, another process computes."""
    found: SimpleQueue[Out | _End] = SimpleQueue()
    unwanted = threading.Event()

    def ask() -> None:
        try:
            for one in results:
                found.put(one)
                if unwanted.is_set():
                    return
            found.put(_End())
        except BaseException as error:  # noqa: BLE001  (whatever it is, whoever takes the results is told)
            found.put(_End(error))

    def take() -> Iterator[Out]:
        try:
            while not isinstance(one := found.get(), _End):
                yield one
            if one.error is not None:
                raise one.error
        finally:
            unwanted.set()

    threading.Thread(target=ask, name="ahead", daemon=True).start()
    return take()
