"""What processes of this machine have used: CPU seconds and resident memory. Linux only; elsewhere nothing is said."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def cpu_s(pid: int | None) -> float:
    """CPU seconds of a process and of the children it has reaped; 0 where they cannot be read."""
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def family_cpu_s(pid: int | None) -> float:
    """The same of a process and of the children that live now."""
    return cpu_s(pid) + sum(cpu_s(child) for child in children(pid))


def children(pid: int | None) -> list[int]:
    """Direct children that live now."""
    if pid is None:
        return []
    return [child for child in _all() if (fields := _stat(child)) and int(fields[1]) == pid]


def rss_mb(pids: Iterable[int | None]) -> float:
    """Resident memory of some processes together [MB of 10^6 bytes]; 0 where it cannot be read."""
    return sum(int(fields[21]) for pid in pids if (fields := _stat(pid))) * _PAGE / 1e6


def _all() -> list[int]:
    proc = Path("/proc")
    return [int(p.name) for p in proc.iterdir() if p.name.isdigit()] if proc.is_dir() else []


def _stat(pid: int | None) -> list[str]:
    """The fields of /proc/PID/stat behind the name: state, parent, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return []
