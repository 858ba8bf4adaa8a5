"""The parts of `make test`: none is forgotten, and none fails unseen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.side_by_side import LINT, NOTHING_COLLECTED, PARTS, command, main, run

ROOT = Path(__file__).resolve().parents[2]


def ends_with(code: int, said: str = "1 passed") -> list[str]:
    return [sys.executable, "-c", f"print({said!r}); raise SystemExit({code})"]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [((0, 0), 0), ((0, NOTHING_COLLECTED), 0), ((1, 0), 1), ((0, 2), 1), ((0, -9), 1), ((NOTHING_COLLECTED,) * 2, 1)],
)
def test_a_part_that_fails_fails_the_run(codes: tuple[int, int], expected: int) -> None:
    assert run({f"part {i}": ends_with(code % 256) for i, code in enumerate(codes)}) == expected


@pytest.mark.parametrize(
    ("tests", "lint", "expected"), [(0, 0, 0), (0, 1, 1), (0, NOTHING_COLLECTED, 1), (NOTHING_COLLECTED, 0, 1), (1, 0, 1)]
)
def test_lint_must_be_fine_and_is_no_test(tests: int, lint: int, expected: int) -> None:
    assert run({"tests": ends_with(tests)}, {"lint": ends_with(lint)}) == expected


def test_progress_goes_by_at_once_and_the_rest_is_told_at_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    said = "....F....s [ 50%]\nE assert 1 == 2\n.. [100%]\n1 failed"
    assert run({"one": ends_with(1, said), "another": ends_with(0)}) == 1
    out = capfd.readouterr().out
    assert "one     ....F....s [ 50%]\none     .. [100%]\n" in out
    assert "· one\nE assert 1 == 2\n1 failed\n" in out
    assert out.endswith("· together\none     1 failed  FAILED (exit code 1)\nanother 1 passed\n")


def test_every_test_is_in_one_part() -> None:
    (rest,) = [part for part in PARTS if not part.paths]
    named = [path for part in PARTS for path in part.paths]
    assert len(set(named)) == len(named)
    assert all((ROOT / path).exists() for path in named), "a part names what is no longer there"
    ignored = [word.removeprefix("--ignore=") for word in command(rest, PARTS, []) if word.startswith("--ignore=")]
    assert ignored == named
    assert not any(word.startswith("--ignore=") for part in PARTS if part.paths for word in command(part, PARTS, []))


@pytest.mark.parametrize("clean", [True, False])
def test_paths_run_alone_in_one_pytest_after_lint(monkeypatch: pytest.MonkeyPatch, *, clean: bool) -> None:
    started: list[list[str]] = []

    def note(line: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        started.append(line)
        return subprocess.CompletedProcess(line, 3 if "pytest" in line else int(not clean))

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(subprocess, "run", note)
    assert main(["-x", "tests/unit/domain::test_it"]) == (3 if clean else 1)
    assert started[0] == LINT["lint"]
    assert [line[-2:] for line in started[1:]] == ([["-x", "tests/unit/domain::test_it"]] if clean else [])
