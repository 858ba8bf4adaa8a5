"""When readings can be queried: looks into the database again and again, as a page would, and notes what is new."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
import psycopg

from app.bench.stand import Stand

_LOOK_EVERY_S = 0.04
_BACK_MS = 30_000
_QUERY = (
    "SELECT point_id, (extract(epoch FROM time) * 1000)::int8 FROM reading"
    " WHERE point_id = ANY (%s) AND time >= to_timestamp(%s / 1000.0)"
)


class Watch:
    """Watches one point of each device: the readings of a device come in one block, so that one stands for all."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._points = {stand.point_ids[n]: n for n in range(0, stand.fleet.points, stand.fleet.metrics)}
        self._from_ms = int(time.time() * 1000)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: dict[tuple[int, int], float] = {}
        """(number of the point, when it was read) → delay until it could be queried [s]."""
        self._thread.start()

    def restart(self) -> None:
        """Forgets what it has seen and looks at readings from now on only."""
        self._from_ms = int(time.time() * 1000)
        self.seen = {}

    def stop(self) -> None:
        """Looks once more and ends."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._stand.connect() as connection:
                    connection.autocommit = True
                    while not self._stop.wait(_LOOK_EVERY_S):
                        self._look(connection)
                    self._look(connection)
            except psycopg.OperationalError:
                self._stop.wait(0.2)

    def _look(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        since = max(self._from_ms, int(time.time() * 1000) - _BACK_MS)
        rows = connection.execute(_QUERY, (list(self._points), since)).fetchall()
        now, seen = time.time(), self.seen
        for point_id, at in rows:
            key = (self._points[int(str(point_id))], int(str(at)))
            if key not in seen:
                seen[key] = now - key[1] / 1000


def percentiles(delays: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and largest [s]."""
    if not delays:
        return {}
    values = np.percentile(np.array(delays), [50, 99, 100])
    return {name: round(float(value), 3) for name, value in zip(("p50_s", "p99_s", "max_s"), values, strict=True)}
