"""What the kernel says of the machine's clock: synchronised or not, and by how much it may be wrong.

``adjtimex(2)`` is where chrony, ntpd and systemd-timesyncd all leave what they know, so none of them has to be asked itself.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_STA_UNSYNC, _STA_NANO = 0x0040, 0x2000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelClock:
    """One look at the clock."""

    wall_ms: int
    """Milliseconds since 1970 UTC."""
    boot_ms: int
    """Milliseconds since the machine started, sleep included; no NTP sets it."""
    synchronised: bool | None
    """Whether a time service disciplines the clock; None where the kernel does not tell."""
    offset_ms: float = 0.0
    """What the time service is still slewing away."""
    max_error_ms: float | None = None
    """The clock is within this of UTC, by the time service's own estimate."""

    @property
    def ahead_ms(self) -> int:
        """Wall time at the machine's start: changes only when the clock is set."""
        return self.wall_ms - self.boot_ms


class _Timex(ctypes.Structure):
    """``struct timex`` of Linux on 64-bit and 32-bit machines (``long`` is the machine's)."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("rest", ctypes.c_long * 32),
    )


def read_kernel_clock() -> KernelClock:
    """The clock as it stands now."""
    wall_ms, boot_ms = time.time_ns() // 1_000_000, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    adjtimex: Callable[[object], int] | None = getattr(ctypes.CDLL(None), "adjtimex", None)
    state = _Timex(modes=0)
    if adjtimex is None or adjtimex(ctypes.byref(state)) < 0:
        return KernelClock(wall_ms=wall_ms, boot_ms=boot_ms, synchronised=None)
    return KernelClock(
        wall_ms=wall_ms,
        boot_ms=boot_ms,
        synchronised=not state.status & _STA_UNSYNC,
        offset_ms=state.offset / (1e6 if state.status & _STA_NANO else 1e3),
        max_error_ms=state.maxerror / 1e3,
    )


def boot_id() -> str:
    """The kernel's name for this start of the machine; empty where it gives none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
