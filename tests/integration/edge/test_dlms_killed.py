"""A gateway killed at any moment while it fills a gap: every row is in the spool once, no invocation counter is used twice."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

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


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.slow)])
async def test_killed_while_it_fills_a_gap(tmp_path: Path, kills: int) -> None:
    town = Street(folder=tmp_path, names=("m1",))
    await town.meters.start()
    rng = random.Random(11)
    command = [sys.executable, "-c", GATEWAY, str(tmp_path), str(town.meters.port)]
    try:
        for attempt in range(kills + 1):
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                first = await asyncio.to_thread(process.stdout.readline)
                assert first.strip() == "begun"
                patience_s = 60.0 if attempt == kills else rng.random() * 0.4
                try:
                    await asyncio.to_thread(process.wait, patience_s)
                except subprocess.TimeoutExpired:
                    process.kill()
                assert attempt < kills or process.wait() == 0, "left alone, it comes to its end"
    finally:
        await town.meters.stop()
    connection = open_database(tmp_path / "state")
    spool = Spool(connection)
    alias = spool.channel("m1", "volume_m3").alias
    rows = [np.frombuffer(raw, dtype=READING) for (raw,) in connection.execute("SELECT readings FROM payload ORDER BY first")]
    found = [(int(r["time_ms"]), float(r["value"])) for part in rows for r in part[part["channel"] == alias]]
    connection.close()
    assert found == town.hours("m1", START - timedelta(days=30), START)
    assert town.meters.meters[1].meter.replayed == 0, "an invocation counter came twice"
