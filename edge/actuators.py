"""One actuator as the gateway drives it: write, then believe only what is read back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from domain.errors import DecodeError, DeviceError, DeviceRefused
from edge.device import DeviceLink
from edge.guard import Limits
from edge.settings import ActuatorSettings
from protocols.modbus.profile import encode_write

_READ_TRIES = 4
_FIRST_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What became of one write."""

    sent: bool
    """False: leave was withdrawn at the last moment, nothing went out."""
    verified: bool
    """The value read back is the one wished, within the device's resolution."""
    readback_m: float | None
    detail: str = ""


@dataclass(slots=True, kw_only=True)
class ActuatorDriver:
    """One writable field. Whoever moves it holds ``lock``."""

    settings: ActuatorSettings
    link: DeviceLink
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    leased: ClassVar[bool] = True
    """Whether silence from the centre ends in the safe value."""

    @property
    def limits(self) -> Limits:
        """What the guard needs."""
        found = self.link.model.field(self.settings.field)
        low, high = (found.writable.low, found.writable.high) if found.writable else (float("inf"), float("-inf"))
        return Limits(actuator=self.settings, device_low_m=low, device_high_m=high, resolution_m=found.resolution)

    async def read(self) -> float | None:
        """The setpoint now [m]; None if the device has none or gives no answer."""
        try:
            return await self.link.read_field(self.settings.field)
        except (DeviceError, DecodeError):
            return None

    async def read_patiently(self, wished_m: float) -> Driven:
        """Reads until the value is there or the tries are used up."""
        value: float | None = None
        for attempt in range(_READ_TRIES):
            if attempt:
                await asyncio.sleep(_FIRST_PAUSE_S * 2.0**attempt)
            value = await self.read()
            if value is not None and abs(value - wished_m) <= self.limits.resolution_m + 1e-9:
                return Driven(sent=True, verified=True, readback_m=value)
        detail = "no value could be read back" if value is None else f"{value:g} m was read back instead of {wished_m:g} m"
        return Driven(sent=True, verified=False, readback_m=value, detail=detail)

    async def drive(self, value_m: float, *, allowed: Callable[[], bool]) -> Driven:
        """Writes and reads back. Whatever the write answers, only the read back decides.

        Raises:
            NotAllowed: The model does not take the value.
        """
        request = encode_write(self.link.model, self.settings.field, value_m)
        fault = ""
        try:
            if not await self.link.write(request, allowed=allowed):
                return Driven(sent=False, verified=False, readback_m=None)
        except DeviceRefused as error:
            fault = f"{error}; "
        except DeviceError as error:
            fault = f"{error}; "
        driven = await self.read_patiently(request.value)
        if driven.verified:
            return driven
        return Driven(sent=True, verified=False, readback_m=driven.readback_m, detail=fault + driven.detail)
