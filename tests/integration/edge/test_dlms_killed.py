"""A gateway killed at any moment while it fills a gap: every row is in the spool once, no invocation counter is used twice."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np

from edge.database import open_database
from edge.readings import READING
from edge.spool import Spool
from tests.support.dlms_site import START, Street

ROOT = Path(__file__).resolve().parents[3]
GATEWAY = """
import asyncio
import sys
from pathlib import Path
from tests.support.dlms_site import visitor
asyncio.run(visitor(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def test_killed_while_it_fills_a_gap(tmp_path: Path) -> None:
    town = Street(folder=tmp_path, names=("m1",))
    await town.meters.start()
    rng = random.Random(11)
    kills = 0
    try:
        for attempt in range(60):
            command = [sys.executable, "-c", GATEWAY, str(tmp_path), str(town.meters.port)]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                first = await asyncio.to_thread(process.stdout.readline)
                assert first.strip() == "begun"
                try:
                    await asyncio.to_thread(process.wait, rng.random() * 0.1 * (attempt + 1))
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
                    continue
                assert process.returncode == 0
                break
        else:
            raise AssertionError("it never came to an end")
    finally:
        await town.meters.stop()
    assert kills > 0
    connection = open_database(tmp_path / "state")
    spool = Spool(connection)
    alias = spool.channel("m1", "volume_m3").alias
    rows = [np.frombuffer(raw, dtype=READING) for (raw,) in connection.execute("SELECT readings FROM payload ORDER BY first")]
    found = [(int(r["time_ms"]), float(r["value"])) for part in rows for r in part[part["channel"] == alias]]
    connection.close()
    assert found == town.hours("m1", START - timedelta(days=30), START)
    assert town.meters.meters[1].meter.replayed == 0, "an invocation counter came twice"
