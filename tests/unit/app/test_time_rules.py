from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tzdata

from app.time_rules import system_release

FOLDERS = "import zoneinfo; print(len(zoneinfo.TZPATH))"
SAY = f"""
import subprocess, sys
from app.time_rules import use_newest_rules
print(use_newest_rules())
{FOLDERS}
print(subprocess.check_output([sys.executable, "-c", {FOLDERS!r}], text=True))
"""


@pytest.mark.parametrize(
    ("name", "first_line", "release"),
    [
        ("tzdata.zi", "# version 2025b\n# rest", "2025b"),
        ("+VERSION", "2024a\n", "2024a"),
        ("else", "2030a", ""),
        ("+VERSION", "", ""),
    ],
)
def test_a_folder_of_rules_says_its_release(tmp_path: Path, name: str, first_line: str, release: str) -> None:
    (tmp_path / name).write_text(first_line)
    assert system_release((str(tmp_path / "absent"), str(tmp_path))) == release


@pytest.mark.parametrize(("system", "in_force", "folders"), [("1999a", tzdata.IANA_VERSION, "0"), ("2999a", "2999a", "1")])
def test_the_newest_rules_count_in_the_processes_it_starts_too(tmp_path: Path, system: str, in_force: str, folders: str) -> None:
    (tmp_path / "tzdata.zi").write_text(f"# version {system}\n")
    said = subprocess.check_output([sys.executable, "-c", SAY], text=True, env=os.environ | {"PYTHONTZPATH": str(tmp_path)})
    assert said.split() == [in_force, folders, folders]
