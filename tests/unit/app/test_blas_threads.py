"""One thread of linear algebra, said before numpy is there to read it."""

from __future__ import annotations

import os
import subprocess
import sys

from app.blas_threads import one_blas_thread


def test_one_thread_is_bidden_and_another_number_is_kept() -> None:
    environment = {"OMP_NUM_THREADS": "4"}
    one_blas_thread(environment)
    assert environment["OPENBLAS_NUM_THREADS"] == "1"
    assert environment["OMP_NUM_THREADS"] == "4"


def test_the_command_line_is_loaded_without_numpy_so_that_it_is_in_time() -> None:
    child = "import sys, app.cli; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", child], check=False).returncode == 0


def test_tests_run_with_one_thread_too() -> None:
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
