"""The parts that die: each a process or a few, started, killed with SIGKILL, frozen and thawed by their ids."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from app.embedded.broker import EmbeddedBroker
from app.embedded.ports import free_port
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.postgres_places import server_processes
from app.processes import die_with_parent
from tests.support.mosquitto import START_S, mosquitto_binary, wait_until_listening

ROOT = Path(__file__).resolve().parents[3]


class Part(Protocol):
    """Something that runs and may die."""

    name: str

    def start(self) -> None:
        """Starts it; nothing happens if it runs."""
        ...

    def kill(self) -> None:
        """Dies as by a power cut."""
        ...


class Program:
    """One process of our own, with its log."""

    def __init__(self, name: str, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._argv = list(argv)
        self._log = log
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it; it dies with us, even if frozen."""
        if self.alive:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env, cwd=ROOT, start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  (only a system call; no lock is taken)
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL, and reaped."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Asks it to end, and waits until it has."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):  # the next line ends it
                self._process.wait(START_S)
            self.kill()  # nothing is left of it that could be killed, or it did not obey

    def freeze(self) -> None:
        """SIGSTOP: it lives, its sockets are open, and it does nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def fell(self) -> bool:
        """Whether it ended though nobody ended it."""
        return self._process is not None and self._process.poll() is not None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None and self.alive else None

    def log(self) -> str:
        """What it has said since its first start."""
        with contextlib.suppress(OSError):  # no log yet: it has said nothing
            return self._log.read_text(errors="replace")
        return ""

    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log().splitlines()[-15:])


class MosquittoPart:
    """Debian's mosquitto with persistence as it comes: what it holds in memory is written every half hour."""

    name = "broker"
    username: str | None = None
    password_file: Path | None = None

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._memory = folder / "memory"
        self._memory.mkdir(parents=True, exist_ok=True)
        config = folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        config.write_text(
            f"{user}listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            f"persistence true\npersistence_location {self._memory}/\nmax_queued_messages 0\n"
        )
        self._program = Program("broker", [mosquitto_binary(), "-c", str(config)], log=folder / "mosquitto.log")

    def start(self) -> None:
        """Returns when it accepts connections."""
        self._program.start()
        wait_until_listening(self.port, alive=lambda: self._program.alive, said=self._program.tail)

    def kill(self) -> None:
        """Dies as by a power cut."""
        self._program.kill()

    def forget(self) -> None:
        """Everything it had on disk is gone; it must not be running."""
        shutil.rmtree(self._memory)
        self._memory.mkdir()


class EmbeddedPart:
    """The broker of the demonstration; it has no memory to lose but its own."""

    name = "broker"
    username: str | None = "khettara"

    def __init__(self, folder: Path) -> None:
        self._broker = EmbeddedBroker(folder)
        self.port = self._broker.port
        self.password_file: Path | None = self._broker.password_file

    def start(self) -> None:
        """Returns when it accepts connections."""
        if self._broker.pid is None:
            self._broker.start(START_S)

    def kill(self) -> None:
        """Dies as by a power cut."""
        if self._broker.pid is not None:
            os.kill(self._broker.pid, signal.SIGKILL)
            self._broker.stop()

    def forget(self) -> None:
        """Nothing of it is on disk."""


Broker = MosquittoPart | EmbeddedPart
BROKERS: dict[str, type[MosquittoPart] | type[EmbeddedPart]] = {"mosquitto": MosquittoPart, "embedded": EmbeddedPart}


class DatabasePart:
    """The embedded PostgreSQL, fsync on, every process of it killed at once."""

    name = "database"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.server = EmbeddedPostgres(folder, port=free_port())
        self.bytecode = {"PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
        """Environment of the programs beside it: compiling anew is most of what each of their many starts would cost."""

    def start(self) -> None:
        """Starts it, through recovery if it was killed."""
        if self.server.pid is None:
            self.server.start()

    def kill(self) -> None:
        """The postmaster first, so that it has no time to notice; then each of its children."""
        if self.server.pid is not None:
            os.kill(self.server.pid, signal.SIGKILL)
        for pid in server_processes(self._folder / "cluster"):
            with contextlib.suppress(ProcessLookupError):  # a child that ended with its postmaster
                os.kill(pid, signal.SIGKILL)
        self.server.kill()


class Several:
    """Parts that live and die together."""

    def __init__(self, name: str, parts: Sequence[Part]) -> None:
        self.name = name
        self.parts = tuple(parts)

    def start(self) -> None:
        """All of them."""
        for part in self.parts:
            part.start()

    def kill(self) -> None:
        """All of them."""
        for part in self.parts:
            part.kill()


def python(*arguments: str) -> list[str]:
    """A command line of this interpreter."""
    return [sys.executable, "-m", *arguments]
