"""Work shared among processes finds what plain loops find, says what goes wrong, and leaves no process behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from app.core_worker import Worker
from app.cores import HERE, Cores, open_cores, usable_cores
from domain.errors import ConfigurationError, KhettaraError


def square(number: int) -> int:
    return number * number


def added(total: int, number: int) -> tuple[int, tuple[int, int]]:
    return total + number, (total, number)


def long_after_the_first(state: int, number: int) -> tuple[int, int]:
    if number:
        threading.Event().wait(3600)
    return state, number


def refused(number: int) -> int:
    raise ConfigurationError(file="town.inp", key="gauge", value=number, expected="a node")


def unsolved(number: int) -> int:
    raise ValueError(f"no solution at {number}")


def fallen(number: int) -> int:
    os._exit(7 if number == 2 else 0)


def pid(_number: int) -> int:
    return os.getpid()


@pytest.fixture(name="two", scope="module")
def _two() -> Iterator[Cores]:
    with open_cores(2) as cores:
        yield cores


@pytest.fixture(name="cores", params=["here", "two"])
def _cores(request: pytest.FixtureRequest, two: Cores) -> Cores:
    return HERE if request.param == "here" else two


def test_results_come_in_the_order_of_the_items(cores: Cores) -> None:
    assert list(cores.map(square, range(20))) == [n * n for n in range(20)]


def test_a_state_goes_from_one_item_to_the_next_and_comes_back(cores: Cores) -> None:
    chain = cores.chain(added, 100, iter([1, 2, 3]))
    assert list(chain.results) == [(100, 1), (101, 2), (103, 3)]
    assert chain.state == 106


def test_other_processes_do_it(two: Cores) -> None:
    assert os.getpid() not in set(two.map(pid, range(4)))


def test_what_the_work_raises_is_raised_and_the_next_work_is_done(cores: Cores) -> None:
    with pytest.raises(ValueError, match="no solution at 3"):
        list(cores.map(unsolved, [3]))
    with pytest.raises(KhettaraError, match=r"town\.inp: gauge = 4"):
        list(cores.map(refused, [4]))
    with pytest.raises(TypeError):
        list(cores.chain(added, 0, ["a"]).results)  # type: ignore[arg-type]  # that is what goes wrong
    assert list(cores.map(square, [5])) == [25]


def test_a_process_that_ends_in_its_work_is_told_and_none_is_left() -> None:
    before = set(multiprocessing.active_children())
    with pytest.raises(KhettaraError, match="ended with 7 before its part was done"), open_cores(1) as cores:
        list(cores.map(fallen, [2]))
    assert set(multiprocessing.active_children()) == before


def test_whoever_is_interrupted_waits_for_no_work_and_leaves_no_process() -> None:
    def interrupted(taken: Iterator[object]) -> None:
        next(taken)
        raise KeyboardInterrupt

    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt), open_cores(1) as cores:
        interrupted(cores.chain(long_after_the_first, 0, [0, 1]).results)
    assert set(multiprocessing.active_children()) == before


def test_two_that_wait_for_a_process_both_come_back_when_its_end_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    reaped, told, waitpid = threading.Event(), threading.Event(), os.waitpid

    def slow_to_tell(pid: int, options: int) -> tuple[int, int]:
        found = waitpid(pid, options)
        if found[0] == worker.pid:
            reaped.set()
            assert told.wait(60)
        return found

    def asks() -> None:
        with pytest.raises(KhettaraError, match="has ended"):
            worker.do(fallen, 2)

    worker = Worker()
    monkeypatch.setattr("os.waitpid", slow_to_tell)
    with ThreadPoolExecutor(2) as threads:
        asking = threads.submit(asks)
        assert reaped.wait(60)
        closing = threads.submit(worker.close)
        assert not wait([closing], timeout=0.3).done
        told.set()
        asking.result()
        closing.result()
    assert worker.pid not in {child.pid for child in multiprocessing.active_children()}


def stuck(_number: int) -> None:
    print("at work", flush=True)  # the parent's output is the child's
    signal.pause()


_KILLED = """
from app.core_worker import Worker
from app.cores import open_cores
from tests.unit.app.test_cores import stuck

if __name__ == "__main__":
    with open_cores(1) as cores:
        list(cores.map(stuck, [0]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a process leaves when its work is done")
def test_a_process_in_the_middle_of_its_work_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_KILLED)
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "at work\n"
        parent.kill()
        # Whoever lives on holds the output open.
        assert parent.communicate(timeout=60)[0] == ""


def test_one_core_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cores.usable_cores", lambda: 1)
    with open_cores() as cores:
        assert cores is HERE
    assert usable_cores() >= 1
