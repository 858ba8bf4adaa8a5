"""Child processes that end when we do: started in a session of their own, stopped by their pid, reaped by us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def die_with_parent(sig: int) -> Callable[[], None] | None:
    """What a child runs before its program: the kernel sends it ``sig`` when its parent is gone (Linux; None elsewhere)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, sig)

    return arm


class Child:
    """One child process with its log.

    A session of its own keeps Ctrl-C at the terminal from reaching it: its parent decides the order of stopping.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        stdin_pipe: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        self._argv = list(argv)
        self._env = {**os.environ, **(env or {})}
        self._stdin_pipe = stdin_pipe
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the program; its output is appended to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE if self._stdin_pipe else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  (only a system call; no lock is taken)
            )

    @property
    def pid(self) -> int | None:
        """Process id, or None before the start."""
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        """Exit code once it has ended; None while it runs or before the start."""
        return self._process.poll() if self._process else None

    def interrupt(self) -> None:
        """Asks it to stop, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, timeout_s: float) -> int | None:
        """Asks it to stop, waits, and ends it by force when the time is over; returns its exit code."""
        if self._process is None:
            return None
        self.interrupt()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # the reader is dead already, and nothing more was to be said to it
                self._process.stdin.close()
        return self._process.returncode

    def kill(self) -> None:
        """Ends it at once, as a power cut would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""
