"""The image, as far as it is known without an engine: what is copied exists, and the wheel made of it is whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LET_THROUGH = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")]


def test_what_is_copied_exists_and_is_let_through() -> None:
    sources = [m[1] for m in re.finditer(r"^COPY (?!--from)(\S+) \S+$", DOCKERFILE, re.MULTILINE)]
    assert sources == ["requirements/demo.txt", "."]
    for name in LET_THROUGH:
        assert (ROOT / name).exists(), name
    assert "requirements" in LET_THROUGH
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(wheel) <= set(LET_THROUGH)
    assert {"pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]} <= set(LET_THROUGH)


def test_the_lock_has_hashes_and_the_build_backend() -> None:
    lock = (ROOT / "requirements" / "demo.txt").read_text(encoding="utf-8")
    assert "--hash=sha256:" in lock
    assert "hatchling==1.27.0" in lock
    for package in ("psycopg", "fastapi", "aiomqtt"):
        assert re.search(rf"^{package}(\[\S+\])?==", lock, re.MULTILINE), package


def test_the_image_runs_the_command_as_nobody_special() -> None:
    assert 'ENTRYPOINT ["khettara"]' in DOCKERFILE
    assert "khettara" in PROJECT["project"]["scripts"]
    user = re.search(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert user is not None
    assert f"useradd --uid 10001 --gid {user[1]}" in DOCKERFILE
    version = re.findall(r"^FROM python:3\.(\d+)-slim", DOCKERFILE, re.MULTILINE)
    assert version == ["12", "12"]
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.14"


@pytest.mark.timeout(300)
def test_the_wheel_of_the_image_holds_what_the_services_need(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    for name in LET_THROUGH:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, context / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")],
        cwd=context,
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "out").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    needed = [
        path.relative_to(ROOT).as_posix()
        for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert [name for name in needed if name not in names] == []
    for name in ("app/cli.py", "storage/migrations/0001_roles.sql", "sites/demo/network.inp"):
        assert name in names
