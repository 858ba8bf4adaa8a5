"""The asking side over TCP, UDP or a serial port: one connection to one meter, one request outstanding.

- every wait has an end: connecting, each link step and each answer take at most ``timeout_s``;
- a peer that closes is an error at once, not when a timer runs out;
- after anything but a clean refusal the connection is dropped, so that a late answer is never taken for another question's;
- invocation counters are durable before they are used; a meter that says ours is behind is believed once, within a limit;
- no retries and no reconnecting in the background: when to ask again is the caller's business.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from domain.errors import DeviceError, DeviceTimeout
from protocols.dlms.action import ActionResult, Method
from protocols.dlms.association import Association
from protocols.dlms.channel import Exchange
from protocols.dlms.connection import Connection
from protocols.dlms.counters import BLOCK, MAX_JUMP, CounterStore
from protocols.dlms.data import Data
from protocols.dlms.errors import CounterRejected, DlmsRefused
from protocols.dlms.framing import Framing
from protocols.dlms.get import Attribute, Result
from protocols.dlms.initiate import InitiateResponse
from protocols.dlms.notifications import DataNotification, EventNotification
from protocols.dlms.session import Session
from protocols.serial_port import SerialPort

T = TypeVar("T")
_LOW_WATER = 4
"""Counters that one APDU may take before more are reserved."""


class DlmsClient:
    """An association with one meter. Opens itself when first asked; safe to call from several tasks."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        framing: Callable[[], Framing],
        association: Association,
        timeout_s: float,
        counters: CounterStore | None = None,
        datagrams: bool = False,
        serial: SerialPort | None = None,
    ) -> None:
        """``framing`` makes the framing of a new connection: ``Wrapper``, ``HdlcLink``, or ``DatagramWrapper`` with ``datagrams``.

        ``serial`` is a port of this machine, with ``HdlcLink``; host and port then only name the meter in messages.

        Raises:
            ValueError: The association takes keys and there is no store for their counters.
        """
        if association.ciphering is not None and counters is None:
            raise ValueError("an association with keys takes a CounterStore")
        self.notifications: asyncio.Queue[DataNotification | EventNotification] = asyncio.Queue(maxsize=64)
        """What the meter said unasked; when full, the oldest is dropped."""
        self._host = host
        self._port = port
        self._framing = framing
        self._datagrams = datagrams
        self._serial = serial
        self._timeout_s = timeout_s
        self._counters = counters
        self._session = Session(association, random=os.urandom)
        self._connection: Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._at_least = 0

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        """Whether connection and association stand."""
        return self._connection is not None and self._connection.alive and self._session.associated

    @property
    def granted(self) -> InitiateResponse:
        """What the meter has agreed to."""
        return self._session.granted

    async def connect(self) -> None:
        """Opens connection and association if they do not stand.

        Raises:
            DeviceTimeout: Nobody answers at the address, or no longer.
            AssociationRefused: The meter does not grant the association.
            SecurityFailed: The meter does not hold the keys.
            DecodeError: What answers does not speak DLMS.
        """
        async with self._one_at_a_time:
            await self._open()

    async def close(self) -> None:
        """Releases the association as far as the meter still listens, and closes."""
        async with self._one_at_a_time:
            connection = self._connection
            try:
                if connection is not None and self.connected:
                    await self._drive(connection, self._session.release())
                    await connection.close_link()
            except DeviceError:
                pass  # it is gone, which is what was wanted
            finally:
                self._drop()
        await asyncio.sleep(0)  # the transport lets go of its socket one turn of the loop later

    def abort(self) -> None:
        """Drops the connection at once, without a goodbye; whoever waits for an answer gets an error."""
        self._drop()

    async def get(self, attribute: Attribute) -> Data:
        """One attribute's value.

        Raises:
            AccessRefused: The meter does not give it.
        """
        return await self._exchange(lambda: self._session.get(attribute))

    async def get_many(self, attributes: Sequence[Attribute]) -> tuple[Result, ...]:
        """Several attributes by one request; each result is data or the reason why not."""
        return await self._exchange(lambda: self._session.get_many(attributes))

    async def set(self, attribute: Attribute, value: Data) -> None:
        """Writes one attribute; whether the value is there, only reading it back says.

        Raises:
            AccessRefused: The meter does not take it.
        """
        await self._exchange(lambda: self._session.set(attribute, value))

    async def set_many(self, attributes: Sequence[Attribute], values: Sequence[Data]) -> tuple[int, ...]:
        """Writes several attributes by one request; a data-access-result each, 0 for success."""
        return await self._exchange(lambda: self._session.set_many(attributes, values))

    async def action(self, method: Method, parameter: Data | None = None) -> Data | None:
        """Calls a method; its return parameter, if any.

        Raises:
            AccessRefused: The meter does not do it.
        """
        return await self._exchange(lambda: self._session.action(method, parameter))

    async def action_many(self, calls: Sequence[tuple[Method, Data | None]]) -> tuple[ActionResult, ...]:
        """Calls several methods by one request."""
        return await self._exchange(lambda: self._session.action_many(calls))

    async def _exchange(self, begin: Callable[[], Exchange[T]]) -> T:
        async with self._one_at_a_time:
            connection = await self._open()
            return await self._drive(connection, begin())

    async def _drive(self, connection: Connection, exchange: Exchange[T]) -> T:
        """Runs an exchange to its end; drops the connection unless both sides are known to be in step."""
        sent = in_step = False
        try:
            await self._reserve()
            request = next(exchange)
            while True:
                sent = True
                answer = await connection.ask(request, self._timeout_s)
                await self._reserve()
                request = exchange.send(answer)
        except StopIteration as done:
            in_step = True
            result: T = done.value
            return result
        except CounterRejected as error:
            self._learn(error)
            raise
        except DlmsRefused:
            in_step = True
            raise
        except ValueError:
            in_step = not sent
            raise
        finally:
            exchange.close()
            if not in_step:  # also when cancelled: the answer may still be on its way
                self._drop()

    async def _open(self) -> Connection:
        if self._connection is not None and self.connected:
            return self._connection
        try:
            return await self._associate()
        except CounterRejected:
            if not self._at_least:
                raise
            return await self._associate()  # once, with the counter the meter named

    async def _associate(self) -> Connection:
        self._drop()
        who = f"{self._host}:{self._port}"
        connection = Connection(self._framing(), who=who, notify=self._take_unasked, datagrams=self._datagrams, serial=self._serial)
        self._connection = connection
        associated = False
        try:
            await connection.open(self._host, self._port, self._timeout_s)
            await self._drive(connection, self._session.associate())
            associated = True
        except OSError as error:
            raise DeviceTimeout(f"{self._host}:{self._port}: nobody answers ({error})") from error
        finally:
            if not associated:
                self._drop()
        return connection

    async def _reserve(self) -> None:
        ciphering, lease = self._session.wanted.ciphering, self._session.lease
        if ciphering is None or self._counters is None:
            return
        if lease.remaining < _LOW_WATER or lease.next < self._at_least:
            first = await self._counters.reserve(ciphering.counter_name, BLOCK, at_least=self._at_least)
            lease.renew(first, BLOCK)

    def _learn(self, error: CounterRejected) -> None:
        """Takes the meter's word for its counter, within a limit: it comes unauthenticated."""
        self._at_least = 0
        if error.last is not None and self._session.lease.next <= error.last + 1 <= self._session.lease.next + MAX_JUMP:
            self._at_least = error.last + 1

    def _take_unasked(self, apdu: bytes) -> bool:
        found = self._session.notification(apdu)
        if found is None:
            return False
        if self.notifications.full():
            self.notifications.get_nowait()
        self.notifications.put_nowait(found)
        return True

    def _drop(self) -> None:
        self._session.associated = False
        if self._connection is not None:
            self._connection.drop()
            self._connection = None
