"""The rules of the house, checked by machine."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = [p for p in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] if p != "sites"]
MODULES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_package_lists_agree() -> None:
    assert sorted(PYPROJECT["tool"]["importlinter"]["root_packages"]) == sorted(PACKAGES)
    assert sorted(PYPROJECT["tool"]["mypy"]["files"]) == sorted([*PACKAGES, "tests"])


def test_no_package_shadows_the_library_or_a_dependency() -> None:
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert package not in sys.stdlib_module_names
        assert set(owners.get(package, ["khettara"])) == {"khettara"}, f"{package} is also shipped by {owners[package]}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_stay_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 500, "a module over 500 lines hides two"
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module opens with its subject"


def test_locks_name_no_registry_host() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        assert "--hash=sha256:" in text
