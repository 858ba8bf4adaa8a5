"""The embedded server's life: start, stop, crash, orphan, lies in the pid file, two at once."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.embedded import postgres_places
from app.embedded.postgres import ADMIN, EmbeddedPostgres, EmbeddedPostgresError
from app.embedded.postgres_places import find_programs, server_processes
from storage.roles import Role

ROOT = Path(__file__).parents[4]
AS_PARENT = """
import sys, time
from pathlib import Path
from app.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""

ANY_FOLDER = pytest.mark.parametrize("folder", ["open"], indirect=True)
"""Where it matters nothing who may enter the folder: a server costs two seconds."""
IN_A_THREAD = "import threading; thread = threading.Thread(target=server.start); thread.start(); thread.join()"


@pytest.fixture(params=["open", "closed"])
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder to be, under a folder open to others, or closed as a home folder often is."""
    parent = Path(tempfile.mkdtemp(prefix="khettara-embedded-"))
    parent.chmod(0o755 if request.param == "open" else 0o700)
    yield parent / "data"
    for pid in server_processes(parent / "data" / "cluster"):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(parent)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


def write_note(server: EmbeddedPostgres, text: str) -> list[str]:
    with psycopg.connect(server.dsn(ADMIN)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", (text,))
        return [row[0] for row in connection.execute("SELECT text FROM note").fetchall()]


def test_starts_keeps_and_stops(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    with server:
        assert server_processes(folder / "cluster") >= {server.pid}
        assert write_note(server, "one") == ["one"]
        with psycopg.connect(server.dsn(Role.READ)) as connection:
            shown = [
                connection.execute(f"SHOW {name}".encode()).fetchone() for name in ("fsync", "data_checksums", "server_encoding")
            ]
            assert shown == [("on",), ("on",), ("UTF8",)]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=server.port, user=ADMIN, password="wrong", dbname="khettara")
        first = server.dsn(ADMIN).split("@")[0]
    assert server.pid is None
    assert server_processes(folder / "cluster") == set()
    assert stat.S_IMODE((folder / "passwords.json").stat().st_mode) == 0o600
    with server:
        assert write_note(server, "two") == ["one", "two"]
        assert server.dsn(ADMIN).split("@")[0] == first
    server.stop()


def test_recovers_from_a_kill(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    write_note(server, "one")
    server.kill()
    with server:
        assert write_note(server, "two") == ["one", "two"]


@pytest.mark.parametrize("tied", [True, False], ids=["dies with its parent", "left over"])
def test_a_killed_parent_leaves_no_server_in_the_way(folder: Path, tied: bool) -> None:
    script = AS_PARENT if tied else AS_PARENT.replace("server.start()", IN_A_THREAD)
    parent = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    if tied and sys.platform == "linux":
        wait_until(lambda: server_processes(folder / "cluster") == set(), "the server followed its parent")
    else:
        assert pid in server_processes(folder / "cluster")
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.pid != pid
        assert write_note(server, "after") == ["after"]


def test_a_pid_file_that_names_a_stranger_is_not_believed(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    server.kill()
    pid_file = folder / "cluster" / "postmaster.pid"
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        lines = pid_file.read_text().split("\n")
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        with server:
            write_note(server, "up")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_folder_in_use_is_left_alone(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        with pytest.raises(EmbeddedPostgresError, match="in use by another"):
            EmbeddedPostgres(folder).start()
        write_note(server, "still here")


def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    (folder / "cluster.new" / "base").mkdir(parents=True)
    with EmbeddedPostgres(folder, durable=False) as server:
        write_note(server, "whole")


@ANY_FOLDER
def test_a_given_port_that_is_taken_is_an_error_with_the_servers_words(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        expected = f"port {server.port} did not start.*already running on port {server.port}"
        with pytest.raises(EmbeddedPostgresError, match=expected):
            EmbeddedPostgres(folder.with_name("second"), server.port, durable=False).start()


@ANY_FOLDER
def test_interrupts_of_the_terminal_do_not_reach_the_server(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        assert server.pid is not None
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_programs_out_of_reach_are_copied_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = find_programs()
    assert programs is not None
    monkeypatch.setattr(postgres_places, "open_to_all", lambda path: False)
    copy = programs.reachable_copy(tmp_path / "copy")
    assert copy.root == tmp_path / "copy"
    assert sorted(p.name for p in copy.bin.iterdir()) == ["initdb", "postgres"]
    for program in ("initdb", "postgres"):
        said = subprocess.run([copy.bin / program, "--version"], capture_output=True, text=True, check=True).stdout
        assert "PostgreSQL" in said
    marker = copy.root / "complete"
    before = marker.stat().st_mtime_ns
    programs.reachable_copy(tmp_path / "copy")
    assert marker.stat().st_mtime_ns == before


@ANY_FOLDER
def test_a_signal_for_a_fast_stop_is_enough(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    assert server.pid is not None
    with psycopg.connect(server.dsn(ADMIN)) as connection:
        os.kill(server.pid, signal.SIGINT)
        wait_until(lambda: server.pid is None, "the server stopped although a session was open")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        connection.close()
    server.stop()
