"""History enters the spool once, in time order, and goes on where it was interrupted."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.errors import ConfigurationError
from edge import history
from edge.database import open_database
from edge.history import history_steps, import_history
from edge.readings import Lane
from edge.spool import Spool

T0 = 1_700_000_000_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_database(tmp_path / "state")
    yield connection
    connection.close()


def archive(folder: Path, n: int = 100) -> Path:
    times = T0 + np.arange(n, dtype=np.int64) * 60_000
    values = np.arange(n, dtype=np.float64)
    arrays: dict[str, Any] = {}
    for device in ("m1", "m2"):
        arrays[f"{device}|flow_m3h|t_ms"], arrays[f"{device}|flow_m3h|value"] = times, values
        arrays[f"{device}|volume_m3|t_ms"] = times + 30_000
        arrays[f"{device}|volume_m3|value"] = np.where(values % 10 == 0, np.nan, values)
    path = folder / "h.npz"
    np.savez(path, **arrays)
    return path


def rows(spool: Spool) -> list[tuple[int, str, int, int, float]]:
    found = []
    for block in spool.load(spool.unacked(Lane.BACKLOG, limit=10_000, fresh_ms=0), now_ms=0):
        for i, (channel, time_ms, value, _) in enumerate(block.rows.tolist()):
            found.append((block.head.first + i, block.head.device, channel, time_ms, value))
    return found


def test_all_of_it_in_time_order_by_device(tmp_path: Path, db: sqlite3.Connection) -> None:
    spool = Spool(db, block_readings=30)
    assert import_history(spool, archive(tmp_path), now_ms=T0) == 400
    found = rows(spool)
    assert [n for n, *_ in found] == list(range(1, 401))
    for device in ("m1", "m2"):
        times = [t for _, d, _, t, _ in found if d == device]
        assert times == sorted(times)
        assert len(times) == 200
    assert sum(np.isnan(v) for *_, v in found) == 20


def test_the_same_file_again_adds_nothing(tmp_path: Path, db: sqlite3.Connection) -> None:
    spool, path = Spool(db), archive(tmp_path)
    import_history(spool, path, now_ms=T0)
    renamed = path.rename(tmp_path / "other.npz")
    assert import_history(Spool(db), renamed, now_ms=T0) == 0
    assert spool.stats().spooled == 400


def test_an_interrupted_import_goes_on(tmp_path: Path, db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_ROWS_A_COMMIT", 70)
    path = archive(tmp_path)
    steps = history_steps(Spool(db), path, now_ms=T0)
    assert [next(steps), next(steps), next(steps), next(steps)] == [70, 70, 60, 70]
    assert isinstance(steps, Generator)
    steps.close()
    monkeypatch.setattr(history, "_ROWS_A_COMMIT", 50)  # another release may cut differently
    spool = Spool(db)
    assert import_history(spool, path, now_ms=T0) == 130
    found = rows(spool)
    assert len({(d, c, t) for _, d, c, t, _ in found}) == len(found) == 400


@pytest.mark.parametrize(
    ("arrays", "hint"),
    [
        ({"m1|flow_m3h": np.zeros(1)}, "array names"),
        ({"m1|flow_m3h|t_ms": np.zeros(1, np.int64)}, "beside"),
        ({"m1|flow_m3h|t_ms": np.zeros(1, np.int64), "m1|flow_m3h|value": np.zeros(2)}, "one shape"),
        ({"m1|flow_m3h|t_ms": np.zeros(1), "m1|flow_m3h|value": np.zeros(1)}, "int64"),
    ],
)
def test_a_wrong_file_says_what_would_be_right(
    tmp_path: Path,
    db: sqlite3.Connection,
    arrays: dict[str, Any],
    hint: str,
) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(ConfigurationError, match=hint):
        import_history(Spool(db), path, now_ms=T0)


def test_no_npz_at_all(tmp_path: Path, db: sqlite3.Connection) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(b"PK not really")
    with pytest.raises(ConfigurationError, match=r"readable \.npz"):
        import_history(Spool(db), path, now_ms=T0)
    with pytest.raises(ConfigurationError, match=r"readable \.npz"):
        import_history(Spool(db), tmp_path / "none.npz", now_ms=T0)
