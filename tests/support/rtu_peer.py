"""A serial server with RTU devices behind it, that answers late, wrongly, twice, or with other people's frames when told to.

It is as unkind as a real one: what comes late from the line goes to whoever is connected then.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from protocols.modbus.bank import RegisterBank
from protocols.modbus.pdu import answer
from protocols.modbus.rtu_frame import frame

Answer = Callable[[int, bytes], bytes | None]
"""(unit, request pdu) → answer pdu, or None for silence."""


def echo_addresses(_unit: int, pdu: bytes) -> bytes:
    """Every register holds a number made of its own address: any answer to another question is seen at once."""
    code, address, count = struct.unpack(">BHH", pdu)
    return bytes((code, 2 * count)) + struct.pack(f">{count}H", *((address + i) * 40503 & 0xFFFF for i in range(count)))


def of_banks(banks: Mapping[int, RegisterBank]) -> Answer:
    """Devices that hold registers; a silent one says nothing."""

    def give(unit: int, pdu: bytes) -> bytes | None:
        bank = banks.get(unit)
        return None if bank is None or bank.silent else answer(bank, pdu)

    return give


class RtuPeer:
    """Listens on a free port of this machine, or speaks through ``send`` when something else is the wire."""

    def __init__(self, give: Answer = echo_addresses, *, seed: int = 1) -> None:
        self.give = give
        self.random = random.Random(seed)
        self.late = self.short = self.foreign = self.doubled = 0.0
        """Shares of the questions that are answered so."""
        self.late_by_s = (0.03, 0.05)
        self.air_s = 0.0
        """How long each question keeps the line busy."""
        self.asked = 0
        self.asked_of: list[int] = []
        self.faults = 0
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.send: Callable[[bytes], None] = self._to_newest

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        await asyncio.sleep(0)

    def hang_up(self) -> None:
        """Closes every connection and goes on listening."""
        for writer in list(self._writers):
            writer.close()

    def _to_newest(self, data: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._writers.add(writer)
        try:
            await self.listen(reader.readexactly)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:  # the test is over
            writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.close()

    async def listen(self, exactly: Callable[[int], Awaitable[bytes]]) -> None:
        while True:
            head = await exactly(6)
            rest = await exactly(2 if head[1] <= 6 else 1)
            if head[1] > 6:
                rest += await exactly(rest[0] + 2)
            if self.air_s:
                await asyncio.sleep(self.air_s)
            self.asked += 1
            self.asked_of.append(head[0])
            self._answer(head[0], (head + rest)[1:-2])

    def _answer(self, unit: int, pdu: bytes) -> None:
        reply = self.give(unit, pdu)
        if reply is None:
            return
        what = self.random.random()
        if what < self.late:
            self.faults += 1
            asyncio.get_running_loop().call_later(self.random.uniform(*self.late_by_s), self.send, frame(unit, reply))
        elif (what := what - self.late) < self.short:
            self.faults += 1
            size = max(2, reply[1] - 2 * self.random.randint(1, 3))
            self.send(frame(unit, bytes((reply[0], size)) + reply[2 : 2 + size]))
        elif (what := what - self.short) < self.foreign:
            self.faults += 1
            self.send(frame(unit % 247 + 1, self.random.randbytes(0) + reply))
        elif what - self.foreign < self.doubled:
            self.faults += 1
            self.send(frame(unit, reply) + frame(unit, reply[:2] + bytes(len(reply) - 2)))
        else:
            self.send(frame(unit, reply))
