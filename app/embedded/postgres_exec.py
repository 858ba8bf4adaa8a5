"""Becomes a PostgreSQL program: gives up root, asks to die with its parent, then replaces itself by the program.

Run as a script in a fresh interpreter, standard library alone:

    python -I -S postgres_exec.py WAY UID GID PARENT PROGRAM ARGUMENT…

``WAY`` is ``direct`` (no change of user), ``setuid`` (UID and GID, no other groups) or ``namespace`` (a new user namespace in which
root's files belong to UID). A script, because code between fork and exec of a process with threads may hang.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _enter_namespace(uid: int, gid: int) -> None:
    """A user namespace in which our own ids look like ``uid`` and ``gid``; files need no new owner."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    if _libc().unshare(_CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"a user namespace was refused: {os.strerror(number)}")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1")


def _die_with_parent(parent: int) -> None:
    """A fast shutdown when the parent dies (Linux). Must follow every change of user, which would undo it."""
    if parent and sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent was gone before the start")


def main(arguments: list[str]) -> None:
    """Does what the module says; returns only by an exception."""
    way, uid, gid, parent, program = arguments[0], int(arguments[1]), int(arguments[2]), int(arguments[3]), arguments[4:]
    if way == "setuid":
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    elif way == "namespace":
        _enter_namespace(uid, gid)
    _die_with_parent(parent)
    os.execv(program[0], program)  # noqa: S606  (no shell is what we want)


if __name__ == "__main__":
    main(sys.argv[1:])
