"""The database's errors in the house's words."""

from __future__ import annotations

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from domain.errors import StorageError, StorageUnavailable
from storage.database import translated


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection unexpectedly"),
        psycopg.InterfaceError("the connection is closed"),
        psycopg.errors.IdleInTransactionSessionTimeout("terminating connection"),
        psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction"),
        psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
        psycopg.errors.QueryCanceled("canceling statement due to statement timeout"),
        psycopg.errors.DeadlockDetected("deadlock detected"),
        psycopg.errors.AdminShutdown("terminating connection"),
        psycopg.errors.DiskFull("No space left on device"),
        PoolTimeout("couldn't get a connection after 10.00 sec"),
    ],
)
def test_trouble_of_the_moment_is_retryable(error: psycopg.Error) -> None:
    with pytest.raises(StorageUnavailable, match="write: the database is away or busy") as caught, translated("write"):
        raise error
    assert caught.value.retryable
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [psycopg.errors.UndefinedTable("x"), psycopg.errors.NumericValueOutOfRange("y"), psycopg.Error()])
def test_everything_else_is_not(error: psycopg.Error) -> None:
    with pytest.raises(StorageError, match="write: the database refused") as caught, translated("write"):
        raise error
    assert not caught.value.retryable


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), translated("write"):
        raise KeyError
