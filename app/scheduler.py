"""Where a per-zone map runs: here, in processes of this machine, or on a Dask cluster; the work and its results are the same.

(nothing)             in this process, one zone after another
processes:2           two processes of this machine (standard library)
local-cluster:2       a ``dask.distributed.LocalCluster`` of two worker processes
tcp://host:8786       a running Dask scheduler
"""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from domain.errors import ConfigurationError

In = TypeVar("In")
Out = TypeVar("Out")


class ZoneMap(Protocol):
    """Applies a function to every item, in order."""

    def __call__(self, work: Callable[[In], Out], items: Sequence[In], done: Callable[[int], None] = ...) -> list[Out]:
        """Results in the order of the items.

        Args:
            work: A pure function of the top level of a module.
            items: What it takes, one by one.
            done: Is told how many are, after each.
        """
        ...


def _untold(count: int) -> None:
    """Nobody asked."""


@contextmanager
def open_scheduler(where: str | None) -> Iterator[ZoneMap]:
    """A map over zones, closed at the end.

    Raises:
        ConfigurationError: No such place, or Dask is asked for and not installed.
    """
    if not where:
        yield lambda work, items, done=_untold: _counted(map(work, items), done)
    elif where.startswith("processes:"):
        # Forking a process that has threads may hang; a fresh interpreter cannot.
        with ProcessPoolExecutor(_count(where), mp_context=multiprocessing.get_context("spawn")) as pool:
            yield lambda work, items, done=_untold: _counted(pool.map(work, items, chunksize=_chunk(len(items), where)), done)
    elif where.startswith(("local-cluster:", "tcp://", "tls://")):
        with _dask(where) as client:
            yield lambda work, items, done=_untold: _counted((f.result() for f in client.map(work, items, pure=False)), done)
    else:
        raise ConfigurationError(
            file="command line", key="--scheduler", value=where, expected="processes:N, local-cluster:N or tcp://host:port"
        )


def _counted(results: Iterable[Out], done: Callable[[int], None]) -> list[Out]:
    """All results, each said when it is there."""
    out = []
    for result in results:
        out.append(result)
        done(len(out))
    return out


def _chunk(items: int, where: str) -> int:
    """Items a process takes at once: four helpings each."""
    return max(1, items // (4 * _count(where)))


def _count(where: str) -> int:
    text = where.partition(":")[2]
    if not text.isdigit() or int(text) < 1:
        raise ConfigurationError(file="command line", key="--scheduler", value=where, expected="a number of processes of 1 or more")
    return int(text)


@contextmanager
def _dask(where: str) -> Iterator[Any]:
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        raise ConfigurationError(
            file="command line", key="--scheduler", value=where, expected="khettara[scale] to be installed, or processes:N"
        ) from error
    if where.startswith("local-cluster:"):
        with (
            distributed.LocalCluster(
                n_workers=_count(where), threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    with distributed.Client(where) as client:
        yield client
