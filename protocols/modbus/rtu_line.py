"""One RTU line and everything that speaks on it: a serial port, or a serial server reached over TCP.

The late-answer guard. An RTU answer carries no number, so an answer that comes after its question was given up would be taken for
the answer to the next one, and all later ones would be off by one. Therefore:

- a question that has begun is never cancelled from outside; who stops waiting leaves it running or closes the line;
- after a question without a good answer the line is closed, and its unit is asked nothing for a quiet time longer than the slowest
  answer. Other units may be asked meanwhile: a late frame names its unit, so it cannot be taken for theirs;
- a frame that comes even later lengthens the quiet time;
- an answer must be of the right unit, function and length, with a good CRC, and alone: after it the line is listened to for the
  silent interval, and a second answer makes both worthless.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from domain.errors import DeviceError, DeviceRefused, DeviceTimeout
from protocols.modbus.fieldbus import EXCEPTION_NAMES
from protocols.modbus.rtu_frame import Found, Verdict, find, frame

_LONGEST_QUIET_S = 30.0


class Wire(Protocol):
    """Bytes to and from a line."""

    name: str
    silence_s: float
    """The silent interval that ends a frame: 3.5 characters, never below 1.75 ms (V1.02, section 2.5.1.1)."""

    @property
    def is_open(self) -> bool:
        """Whether bytes can go."""
        ...

    async def open(self, timeout_s: float) -> None:
        """Opens the line. Raises ``OSError`` or ``TimeoutError``."""
        ...

    def send(self, data: bytes) -> None:
        """Sends. Raises ``OSError``."""
        ...

    async def more(self, timeout_s: float) -> bytes:
        """What has come, or comes within this time; empty if nothing did. Raises ``OSError`` if the line is lost."""
        ...

    def air_s(self, count: int) -> float:
        """How long so many bytes take on the line [s]."""
        ...

    def close(self) -> None:
        """Closes the line and forgets what had come."""
        ...


class RtuLine:
    """One question at a time over one wire."""

    def __init__(self, wire: Wire, *, quiet_s: float = 1.0) -> None:
        self._wire = wire
        self._quiet_s = quiet_s
        self._one_at_a_time = asyncio.Lock()
        self._quarantine: dict[int, float] = {}
        self.late_frames = 0
        """Frames that came when their unit owed nothing any more."""

    @property
    def name(self) -> str:
        """What the line is called in errors."""
        return self._wire.name

    @property
    def quiet_s(self) -> float:
        """The quiet time now [s]; it grows when answers come later than it."""
        return self._quiet_s

    async def open(self, timeout_s: float) -> None:
        """Opens the line if it is closed.

        Raises:
            DeviceTimeout: It does not open.
        """
        async with self._one_at_a_time:
            await self._open(timeout_s)

    async def close(self) -> None:
        """Closes the line; the next question opens it again."""
        self._wire.close()
        await asyncio.sleep(0)

    async def settled(self, unit_id: int) -> None:
        """Returns when the unit's quiet time is over."""
        while (rest := self._quarantine.get(unit_id, 0.0) - _now()) > 0:  # noqa: ASYNC110  (it may have grown meanwhile)
            await asyncio.sleep(rest)

    async def exchange(
        self, unit_id: int, pdu: bytes, *, size: int, timeout_s: float, what: str, echo: bytes | None = None
    ) -> bytes:
        """The data of the answer: ``size`` bytes after the function code (and byte count); ``echo`` where they are known before.

        Raises:
            DeviceTimeout: No answer in time, or the line is lost.
            DeviceRefused: An exception code.
            DeviceError: An answer of another length, or two of them.
        """
        async with self._one_at_a_time:
            await self.settled(unit_id)
            await self._open(timeout_s)
            if not await self._listen_first():
                await self._open(timeout_s)
            in_step = False
            try:
                found = await self._ask(unit_id, pdu, size, timeout_s)
                if echo is not None and found.verdict is Verdict.ANSWER and found.data != echo:
                    found = Found(verdict=Verdict.OTHER, data=found.data)
                in_step = found.verdict in (Verdict.ANSWER, Verdict.EXCEPTION)
            except (OSError, TimeoutError) as error:
                raise DeviceTimeout(f"{self.name} unit {unit_id}: {what}: the line is lost ({error})") from error
            finally:
                if not in_step:  # also when cancelled: the answer may still be on its way
                    self._wire.close()
                    self._quarantine[unit_id] = _now() + self._quiet_s
        return self._judged(found, unit_id, timeout_s, what)

    async def _ask(self, unit_id: int, pdu: bytes, size: int, timeout_s: float) -> Found:
        wire, code = self._wire, pdu[0]
        request = frame(unit_id, pdu)
        wire.send(request)
        until = _now() + timeout_s + wire.air_s(len(request) + size + 5)
        came = b""
        found = Found(verdict=Verdict.MORE)
        while found.verdict is Verdict.MORE and (rest := until - _now()) > 0:
            came += await wire.more(rest)
            found = find(came, unit_id=unit_id, code=code, size=size)
        if found.verdict is Verdict.MORE:
            return found
        while more := await wire.more(wire.silence_s):  # the answer must be the only one
            came += more
            if len(came) > 1024:
                return Found(verdict=Verdict.AMBIGUOUS)
        found = find(came, unit_id=unit_id, code=code, size=size)
        self._note(found.strangers)
        return found

    def _judged(self, found: Found, unit_id: int, timeout_s: float, what: str) -> bytes:
        who = f"{self.name} unit {unit_id}: {what}"
        if found.verdict is Verdict.ANSWER:
            return found.data
        if found.verdict is Verdict.EXCEPTION:
            code = found.data[0]
            raise DeviceRefused(code, f"{who}: {EXCEPTION_NAMES.get(code, 'unknown exception')}")
        if found.verdict is Verdict.MORE:
            raise DeviceTimeout(f"{who}: no answer within {timeout_s:g} s")
        raise DeviceError(f"{who}: the answer is not to this question ({found.verdict.value}: {len(found.data)} bytes of data)")

    async def _listen_first(self) -> bool:
        """What lies on the line before a question is an answer to none; the line must be silent before we speak.

        Returns False if the line was found lost, and has been closed.
        """
        stray = b""
        try:
            while more := await self._wire.more(self._wire.silence_s if stray else 0.0):
                stray = (stray + more)[-1024:]
        except OSError:
            self._wire.close()
            return False
        if stray:
            self._note(find(stray, unit_id=-1, code=0, size=0).strangers)
        return True

    def _note(self, strangers: tuple[int, ...]) -> None:
        now = _now()
        for unit in strangers:
            if (
                unit in self._quarantine and self._quarantine[unit] <= now
            ):  # it has once owed an answer, and its quiet time was too short
                self.late_frames += 1
                self._quiet_s = min(2 * self._quiet_s, _LONGEST_QUIET_S)
                self._quarantine[unit] = now + self._quiet_s

    async def _open(self, timeout_s: float) -> None:
        if self._wire.is_open:
            return
        try:
            await self._wire.open(timeout_s)
        except (OSError, TimeoutError) as error:
            raise DeviceTimeout(f"{self.name}: the line does not open ({error})") from error


def _now() -> float:
    return asyncio.get_running_loop().time()
