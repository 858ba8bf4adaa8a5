"""A serial port of the machine (Linux termios): opened raw and for us alone."""

from __future__ import annotations

import fcntl
import os
import termios
from dataclasses import dataclass
from typing import cast

BAUDS = {
    rate: getattr(termios, f"B{rate}")
    for rate in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
    if hasattr(termios, f"B{rate}")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialPort:
    """Which port, and how it is set: eight data bits always."""

    path: str
    baud: int = 9600
    parity: str = "N"
    """N, E or O."""
    stop_bits: int = 1

    def __post_init__(self) -> None:
        if self.baud not in BAUDS or self.parity not in ("N", "E", "O") or self.stop_bits not in (1, 2):
            raise ValueError(f"{self.baud} baud, parity {self.parity}, {self.stop_bits} stop bits is no setting of a serial port")

    def open(self) -> int:
        """A file descriptor that does not block; nobody else may open the port meanwhile.

        Raises:
            OSError: There is no such port, or it is none.
        """
        fd = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            self._configure(fd)
        except termios.error as error:
            os.close(fd)
            raise OSError(f"{self.path} is no serial port: {error}") from error
        except BaseException:  # the port must not stay open with nobody to close it
            os.close(fd)
            raise
        return fd

    def _configure(self, fd: int) -> None:
        fcntl.ioctl(fd, termios.TIOCEXCL)
        flags = termios.CS8 | termios.CREAD | termios.CLOCAL
        if self.parity != "N":
            flags |= termios.PARENB | (termios.PARODD if self.parity == "O" else 0)
        if self.stop_bits == 2:
            flags |= termios.CSTOPB
        characters = cast("list[bytes | int]", termios.tcgetattr(fd)[6])
        characters[termios.VMIN], characters[termios.VTIME] = 0, 0
        speed = BAUDS[self.baud]
        termios.tcsetattr(fd, termios.TCSANOW, [0, 0, flags, 0, speed, speed, characters])
        termios.tcflush(fd, termios.TCIOFLUSH)
