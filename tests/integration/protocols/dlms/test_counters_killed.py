"""No invocation counter is used twice, whenever the process dies."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
USER = """
import sys
from pathlib import Path
from protocols.dlms.counter_file import FileCounterStore
from protocols.dlms.counters import Lease
store, lease = FileCounterStore(Path(sys.argv[1])), Lease()
while True:
    if not lease.remaining:
        lease.renew(store.reserve_now("meter", 8), 8)
    print(lease.take(), flush=True)
"""


def test_killed_at_any_moment_no_number_comes_twice(tmp_path: Path) -> None:
    rng = random.Random(6)
    used: list[int] = []
    for _ in range(12):
        users = [
            subprocess.Popen([sys.executable, "-c", USER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for user in users:
            assert user.stdout is not None
            used.append(int(user.stdout.readline()))
        time.sleep(rng.random() * 0.05)  # kills at another moment each time
        for user in users:
            user.kill()
        for user in users:
            rest, _ = user.communicate()
            used += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    assert len(used) == len(set(used))
    assert len(used) > 100
