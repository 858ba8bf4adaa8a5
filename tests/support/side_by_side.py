"""`make test`: lint and the tests in a few runs of pytest side by side, for most tests wait more than they compute.

    python -m tests.support.side_by_side [arguments of pytest]

Each part prints its progress under its name as it goes; what else it says (failures, skips, the count) is printed when it ends. The
run fails if any part fails. Arguments go to every run of pytest; if they name paths, those alone run after lint, in one pytest.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

NOTHING_COLLECTED = 5
"""pytest's exit code where no test was selected; right for a part, as long as another had some."""
LINT = {"lint": ["nice", "-n", "3", "make", "--no-print-directory", "lint"]}
_PROGRESS = re.compile(r"[.sxXFE]+ *(\[ *\d+%\])?")
_PATIENCE_S = 60.0
"""How long a part may take to end its services after Ctrl-C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One run of pytest.

    Attributes:
        paths: What it runs; nothing: all that no other part runs, so that a new folder is never left out.
        niceness: The demonstration keeps the time of day and goes first; what merely computes yields.
    """

    name: str
    paths: tuple[str, ...] = ()
    niceness: int = 0


PARTS = (
    Part(name="whole system", paths=("tests/system",)),
    Part(
        name="services",
        paths=(
            "tests/faults",
            *(f"tests/integration/{folder}" for folder in ("alerts", "app", "commands", "console", "dashboards", "deploy")),
        ),
        niceness=2,
    ),
    Part(
        name="what computes",
        paths=tuple(
            f"tests/{kind}"
            for kind in ("unit/leak_detection", "integration/leak_detection", "unit/app", "unit/simulator", "integration/simulator")
        ),
        niceness=4,
    ),
    Part(
        name="roads, valves",
        paths=(
            *(f"tests/integration/{folder}" for folder in ("edge", "ingest", "protocols", "security", "storage")),
            *(f"tests/{kind}/pressure_control" for kind in ("integration", "unit")),
        ),
        niceness=3,
    ),
    Part(name="all others", niceness=4),
)


def command(part: Part, parts: Sequence[Part], arguments: Sequence[str]) -> list[str]:
    """The command line of a part; its cache is its own, for two runs would overwrite each other's."""
    others = [f"--ignore={path}" for other in parts if other is not part for path in other.paths]
    chosen = list(part.paths) or ["tests", *others]
    cache = f"cache_dir=.pytest_cache/{part.name.replace(' ', '-')}"
    pytest = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-o", cache, *chosen, *arguments]
    return ["nice", "-n", str(part.niceness), *pytest]


@dataclass(slots=True, kw_only=True)
class Running:
    """A part at work: its progress goes to the terminal, the rest waits until it ends."""

    name: str
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def follow(self, width: int) -> None:
        """Reads until it ends, then prints what it said."""
        with self.process as process:
            assert process.stdout is not None
            for line in process.stdout:
                if _PROGRESS.fullmatch(line.rstrip("\n")):
                    print(f"{self.name:<{width}} {line}", end="", flush=True)
                else:
                    self.said.append(line)
        print(f"· {self.name}\n{''.join(self.said)}", end="", flush=True)

    def verdict(self) -> str:
        """Its last line, and how it ended."""
        last = self.said[-1].strip() if self.said else "nothing said"
        code = self.process.returncode
        return f"{last}{'' if code in (0, NOTHING_COLLECTED) else f'  FAILED (exit code {code})'}"


def run(commands: dict[str, list[str]], beside: dict[str, list[str]] | None = None) -> int:
    """Runs the commands side by side; 0 if each was fine and one of the first, which are tests, had something to do."""
    beside = beside or {}
    width = max(map(len, commands | beside))
    running = [
        Running(
            name=name,
            process=subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True),
        )
        for name, line in (beside | commands).items()
    ]
    with ThreadPoolExecutor(len(running)) as threads, _ended_with_us(running):
        ends = [threads.submit(part.follow, width) for part in running]
        try:
            wait(ends)
        except KeyboardInterrupt:  # the terminal's Ctrl-C has reached the parts too: let them end their services
            wait(ends, timeout=_PATIENCE_S)
            for part in running:
                part.process.kill()
            return 130
    for end in ends:
        end.result()
    print("· together")
    for part in running:
        print(f"{part.name:<{width}} {part.verdict()}", flush=True)
    codes = {part.name: part.process.returncode for part in running}
    if any(codes[name] for name in beside):
        return 1
    tests = {codes[name] for name in commands}
    return 0 if tests <= {0, NOTHING_COLLECTED} and 0 in tests else 1


@contextlib.contextmanager
def _ended_with_us(running: Sequence[Running]) -> Iterator[None]:
    """Whoever ends us alone (``kill``) ends the parts, as Ctrl-C in a terminal does."""

    def pass_on(number: int, frame: object) -> None:
        for part in running:
            part.process.send_signal(signal.SIGINT)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(arguments: Sequence[str]) -> int:
    """Lint beside all parts with these arguments, or before one pytest for the paths among them."""
    if any(argument and Path(argument.partition("::")[0]).exists() for argument in arguments):
        pytest = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", *arguments]
        return next((code for line in (*LINT.values(), pytest) if (code := subprocess.run(line, check=False).returncode)), 0)
    return run({part.name: command(part, PARTS, arguments) for part in PARTS}, LINT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
