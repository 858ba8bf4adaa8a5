"""The measure of all: PostgreSQL taking the same rows by binary COPY from buffers made before, and nothing else."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from app.bench.processes import cpu_s
from app.bench.stand import Stand
from app.bench.traffic import Round
from domain.errors import KhettaraError
from storage.reading_rows import Rows, copy_bytes

TABLE = "bench_raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long something took."""

    rows: int
    wall_s: float
    cpu_s: float
    """Of the process that does the work."""


def rows_of(part: Round, point_ids: list[int]) -> Rows:
    """The rows of a round as the store has them."""
    size = part.readings
    return Rows(
        stream=np.zeros(size, dtype=np.int32),
        sequence=np.zeros(size, dtype=np.int64),
        point_id=np.array(point_ids, dtype=np.int32)[part.point],
        time_ms=part.time_ms,
        counts=part.counts,
        quality=np.zeros(size, dtype=np.int16),
    )


def prepare(stand: Stand, first_ms: int, last_ms: int) -> None:
    """Makes a second table like ``reading``, and the partitions of both for these times, so that no round pays for them."""
    with stand.connect() as connection:
        connection.execute("SELECT ensure_reading_partitions(to_timestamp(%s), to_timestamp(%s))", (first_ms / 1e3, last_ms / 1e3))
        connection.execute(f"CREATE TABLE {TABLE} (LIKE reading INCLUDING ALL) PARTITION BY RANGE (time)")
        parts = connection.execute(
            "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'reading'::regclass"
        ).fetchall()
        for name, bound in parts:
            connection.execute(f"CREATE TABLE {TABLE}_{name} PARTITION OF {TABLE} {bound}")


def raw_copy(stand: Stand, rows: Rows, *, batch: int) -> Timing:
    """Writes the rows, a transaction each ``batch`` of them; ``cpu_s`` is the backend's."""
    buffers = [copy_bytes(rows.take(np.arange(at, min(at + batch, len(rows))))) for at in range(0, len(rows), batch)]
    with stand.connect() as connection:
        pid = connection.info.backend_pid
        cpu_before, started = cpu_s(pid), time.perf_counter()
        for buffer in buffers:
            with (
                connection.cursor() as cursor,
                cursor.copy(f"COPY {TABLE} (time, value, point_id, quality) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.write(buffer)
            connection.commit()
        wall_s = time.perf_counter() - started
        return Timing(rows=len(rows), wall_s=wall_s, cpu_s=cpu_s(pid) - cpu_before)


def check_same(stand: Stand) -> int:
    """How many rows both tables hold.

    Raises:
        KhettaraError: One holds a row that the other does not: the benchmark would compare different things.
    """
    with stand.connect() as connection:
        counts = connection.execute(f"SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM {TABLE})").fetchone()  # noqa: S608  (our own table's name)
        differing = connection.execute(
            f"SELECT count(*) FROM (SELECT point_id, time, value, quality FROM reading"  # noqa: S608  (our own table's name)
            f" EXCEPT SELECT point_id, time, value, quality FROM {TABLE}) d"
        ).fetchone()
    if counts is None or differing is None or counts[0] != counts[1] or differing[0]:
        raise KhettaraError(f"the rows that arrived are not the rows that were sent: {counts} rows, {differing} differ")
    return int(counts[0])
