"""Matrices of a few dozen rows are multiplied by one thread: many would only wait for one another."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_NAMES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_blas_thread(environment: MutableMapping[str, str] = os.environ) -> None:
    """Bids numpy's linear algebra use one thread, in this process and those it starts; to be called before numpy is imported.

    On a busy machine threads that wait for one another spin: two years of L-Town then cost 179 s of processor instead of 32.
    Sums are also added in one order whatever the number of cores, so a replay finds the same to the last bit. Whoever has set a
    number keeps it.
    """
    for name in _NAMES:
        environment.setdefault(name, "1")
