"""A real TimescaleDB for tests: PostgreSQL in WebAssembly with the extension inside, in a Node process of our own.

It has one session: one connection at a time, the others wait. In a ``conftest.py``: ``from tests.support.timescale_server import
timescale``. Skips, saying why, where Node or the package is absent (``make peers`` puts it there).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

FOLDER = Path(__file__).parent / "timescale"


@pytest.fixture(scope="session")
def timescale() -> Iterator[str]:
    """Connection string of an empty TimescaleDB database, as its superuser."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("TimescaleDB tests need node on the PATH")
    if not (FOLDER / "node_modules" / "@unni-craftsman" / "pglite").exists():
        pytest.skip("TimescaleDB tests need the packages of tests/support/timescale: run make peers")
    process = subprocess.Popen([node, "serve.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        word, _, port = process.stdout.readline().partition(" ")
        assert word == "ready", f"the TimescaleDB process ended with {process.wait()} before it was ready"
        yield f"postgresql://postgres:none@127.0.0.1:{int(port)}/postgres?sslmode=disable"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.terminate()
        process.wait()


def wipe(dsn: str) -> None:
    """Drops every object of ours, so that the next test starts from an empty database; the roles stay."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'khettara_migrate'").fetchone():
            connection.execute("DROP OWNED BY khettara_migrate CASCADE")
