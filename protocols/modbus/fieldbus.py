"""What the asking side of every Modbus transport offers, and what devices' exception codes mean."""

from __future__ import annotations

from typing import Protocol

from protocols.modbus.requests import ReadRequest, WriteRequest

ILLEGAL_ADDRESS = 2
ABSENT_CODES = frozenset({4, 10, 11})
"""Exception codes that may mean "no such unit here": gateways differ."""
GATEWAY_CODES = frozenset({10, 11})
"""Exception codes that a gateway gives in place of a unit that did not answer."""
EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}
"""Modbus application protocol V1.1b3, section 7."""


class FieldClient(Protocol):
    """The way to one unit, whatever lies between. One request outstanding; nothing that comes late is believed."""

    async def connect(self) -> None:
        """Opens the way if it is not open.

        Raises:
            DeviceTimeout: It does not open.
        """
        ...

    async def close(self) -> None:
        """Closes the way; the next request opens it again."""
        ...

    async def settled(self) -> None:
        """Returns when the unit may be asked: at once, or after the quiet time that follows a missing answer."""
        ...

    async def read(self, request: ReadRequest) -> list[int]:
        """The registers (or bits as 0 and 1) asked for, ``request.count`` of them.

        Raises:
            DeviceTimeout: No answer in time, or the connection was lost.
            DeviceRefused: The device answered with an exception code.
            DeviceError: The answer does not fit the question.
        """
        ...

    async def write(self, request: WriteRequest) -> None:
        """Writes; returns when the device has confirmed. Whether the value is there, only reading it back says.

        Raises:
            DeviceTimeout: No answer in time: the value may or may not have been written.
            DeviceRefused: The device answered with an exception code.
            DeviceError: The confirmation is for something else.
        """
        ...
