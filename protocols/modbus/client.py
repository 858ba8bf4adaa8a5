"""The asking side of Modbus TCP: one connection to one device, one request outstanding.

The only module that knows pymodbus, whose interface changes with every minor version. What it adds:

- after a request without an answer the connection is closed and the next call opens a new one, so that a late answer can never be
  taken for the answer to a later question; the same when a call is cancelled;
- the answer must be as long as the question asked;
- no retries and no reconnecting in the background: when to ask again is the scheduler's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from domain.errors import DeviceError, DeviceRefused, DeviceTimeout
from protocols.modbus.fieldbus import ABSENT_CODES, EXCEPTION_NAMES
from protocols.modbus.model import Function
from protocols.modbus.requests import ReadRequest, WriteRequest

__all__ = ["ABSENT_CODES", "EXCEPTION_NAMES", "ModbusClient"]


class ModbusClient:
    """A connection to one unit behind one address. Opens itself when first asked; safe to call from several tasks."""

    def __init__(self, host: str, port: int, *, unit_id: int, timeout_s: float) -> None:
        self._host = host
        self._port = port
        self._unit_id = unit_id
        self._timeout_s = timeout_s
        self._client: AsyncModbusTcpClient | None = None
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        """Whether the connection stands."""
        return self._client is not None and self._client.connected

    async def connect(self) -> None:
        """Opens the connection if it does not stand.

        Raises:
            DeviceTimeout: Nobody answers at the address.
        """
        async with self._one_at_a_time:
            await self._open()

    async def close(self) -> None:
        """Closes the connection; the next request opens a new one."""
        self._drop()
        await asyncio.sleep(0)  # the transport lets go of its socket one turn of the loop later

    async def settled(self) -> None:
        """At once: a late answer went to a connection that is closed."""

    async def read(self, request: ReadRequest) -> list[int]:
        """The registers (or bits as 0 and 1) asked for, ``request.count`` of them.

        Raises:
            DeviceTimeout: No answer in time, or the connection was lost.
            DeviceRefused: The device answered with an exception code.
            DeviceError: The answer does not fit the question.
        """
        what = f"read {request.count} {request.function.value} at {request.address}"

        async def ask(client: AsyncModbusTcpClient) -> ModbusPDU:
            call: Callable[..., Awaitable[ModbusPDU]] = {
                Function.HOLDING: client.read_holding_registers,
                Function.INPUT: client.read_input_registers,
                Function.COIL: client.read_coils,
                Function.DISCRETE: client.read_discrete_inputs,
            }[request.function]
            return await call(request.address, count=request.count, device_id=self._unit_id)

        def check(answer: ModbusPDU) -> list[int]:
            if request.function.bits:
                bits = [int(bit) for bit in answer.bits]
                if len(bits) != -(-request.count // 8) * 8:
                    raise DeviceError(f"{self._who(what)}: {len(bits)} bits in the answer do not fit {request.count}")
                return bits[: request.count]
            if len(answer.registers) != request.count:
                raise DeviceError(f"{self._who(what)}: {len(answer.registers)} registers in the answer, asked for {request.count}")
            return list(answer.registers)

        return await self._exchange(what, ask, check)

    async def write(self, request: WriteRequest) -> None:
        """Writes; returns when the device has confirmed. Whether the value is there, only reading it back says.

        Raises:
            DeviceTimeout: No answer in time: the value may or may not have been written.
            DeviceRefused: The device answered with an exception code.
            DeviceError: The confirmation is for another address.
        """
        what = f"write {list(request.registers)} to {request.function.value} at {request.address}"

        async def ask(client: AsyncModbusTcpClient) -> ModbusPDU:
            if request.function is Function.COIL:
                return await client.write_coil(request.address, bool(request.registers[0]), device_id=self._unit_id)
            if len(request.registers) == 1:
                return await client.write_register(request.address, request.registers[0], device_id=self._unit_id)
            return await client.write_registers(request.address, list(request.registers), device_id=self._unit_id)

        def check(answer: ModbusPDU) -> list[int]:
            if answer.address != request.address:
                raise DeviceError(f"{self._who(what)}: the device confirmed address {answer.address}")
            return []

        await self._exchange(what, ask, check)

    async def _exchange(
        self,
        what: str,
        ask: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]],
        check: Callable[[ModbusPDU], list[int]],
    ) -> list[int]:
        async with self._one_at_a_time:
            client = await self._open()
            in_step = False
            try:
                answer = await ask(client)
                refused = answer.isError()
                result = [] if refused else check(answer)
                in_step = True
            except (ModbusException, TimeoutError, OSError) as error:
                raise DeviceTimeout(f"{self._who(what)}: no answer within {self._timeout_s:g} s ({error})") from error
            finally:
                if not in_step:  # also when cancelled: the answer may still be on its way
                    self._drop()
        if refused:
            code = int(getattr(answer, "exception_code", 0))
            raise DeviceRefused(code, f"{self._who(what)}: {EXCEPTION_NAMES.get(code, 'unknown exception')}")
        return result

    async def _open(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self._drop()
        client = AsyncModbusTcpClient(self._host, port=self._port, timeout=self._timeout_s, retries=0, reconnect_delay=0)
        self._client = client
        try:
            stands = await client.connect()
        except (ModbusException, TimeoutError, OSError):
            stands = False
        if not stands:
            self._drop()
            raise DeviceTimeout(f"{self._who('connect')}: nobody answers within {self._timeout_s:g} s")
        return client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _who(self, what: str) -> str:
        return f"{self._host}:{self._port} unit {self._unit_id}: {what}"
