"""The environment of the independent DLMS peers, made by the tests themselves, and their processes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).with_name("dlms_peers")


def peer_python() -> Path:
    """The interpreter of an environment with the locked peers, made when it is not there; skips where pip cannot install them."""
    lock = PEERS / "requirements.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    folder = ROOT / ".cache" / f"dlms-peers-{version}"
    python, done = folder / "bin" / "python", folder / "done"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "dlms-peers.lock").open("w") as guard:  # several test processes make it once
        fcntl.flock(guard, fcntl.LOCK_EX)
        if done.exists():
            return python
        # Our own pip installs into it: putting pip into the environment first would take longer than all the rest.
        steps = [
            [sys.executable, "-m", "venv", "--without-pip", "--clear", str(folder)],
            [
                sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--disable-pip-version-check", "--no-input",
                "--no-compile", "--require-hashes", "--only-binary=:all:", "-r", str(lock),
            ],
        ]  # fmt: skip
        for step in steps:
            try:
                ran = subprocess.run(step, capture_output=True, text=True, check=False, timeout=300)
            except subprocess.TimeoutExpired:
                pytest.skip("the independent DLMS peers could not be installed within 300 s")
            if ran.returncode:
                pytest.skip(f"the independent DLMS peers cannot be installed here: {ran.stderr.strip()[-300:]}")
        done.write_text("")
    return python


@contextmanager
def peer_meter(**options: Any) -> Iterator[int]:
    """A meter of the pydlms peer in its own process; its port on 127.0.0.1. Options: see ``dlms_peers/pydlms_meter.py``."""
    command = [str(peer_python()), "-I", str(PEERS / "pydlms_meter.py"), json.dumps(options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.strip().isdigit(), f"the peer did not start: {line!r}"
            yield int(line)
        finally:
            process.kill()


def run_peer(script: str, **options: Any) -> Any:
    """What a peer's script prints as JSON; a failure of the peer fails the test with its last words."""
    command = [str(peer_python()), "-I", str(PEERS / script), json.dumps(options)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.strip().splitlines()[-1])
