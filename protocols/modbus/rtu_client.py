"""One unit on an RTU line, as ``ModbusClient`` is one unit over TCP."""

from __future__ import annotations

import struct

from protocols.modbus.requests import ReadRequest, WriteRequest
from protocols.modbus.rtu_frame import read_bytes, read_pdu, write_pdu
from protocols.modbus.rtu_line import RtuLine


class RtuClient:
    """A ``FieldClient``; all units of a line share the line's one question at a time."""

    def __init__(self, line: RtuLine, *, unit_id: int, timeout_s: float) -> None:
        self._line = line
        self._unit_id = unit_id
        self._timeout_s = timeout_s

    async def connect(self) -> None:
        """Opens the line if it is closed. Raises as ``FieldClient``."""
        await self._line.open(self._timeout_s)

    async def close(self) -> None:
        """Closes the line."""
        await self._line.close()

    async def settled(self) -> None:
        """Returns when the unit's quiet time is over."""
        await self._line.settled(self._unit_id)

    async def read(self, request: ReadRequest) -> list[int]:
        """The registers or bits asked for. Raises as ``FieldClient``."""
        size = read_bytes(request)
        what = f"read {request.count} {request.function.value} at {request.address}"
        data = await self._line.exchange(self._unit_id, read_pdu(request), size=size, timeout_s=self._timeout_s, what=what)
        if request.function.bits:
            return [data[i // 8] >> i % 8 & 1 for i in range(request.count)]
        return list(struct.unpack(f">{request.count}H", data))

    async def write(self, request: WriteRequest) -> None:
        """Writes and checks the confirmation. Raises as ``FieldClient``."""
        pdu = write_pdu(request)
        what = f"write {list(request.registers)} to {request.function.value} at {request.address}"
        await self._line.exchange(self._unit_id, pdu, size=4, timeout_s=self._timeout_s, what=what, echo=pdu[1:5])
