"""The supply of a customer as an actuator of the command path: 0 is off, 1 is on. Switched once, then believed when read back.

It has no lease: nobody's water goes off, or on, because a link is silent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.errors import ConfigurationError, DecodeError, DeviceError, NotAllowed
from edge.actuators import ActuatorDriver, Driven
from edge.bus import Priority
from edge.dlms_link import MeterLink
from edge.guard import Limits
from protocols.dlms.client import DlmsClient
from protocols.dlms.obis import Obis
from protocols.dlms.objects import ControlState
from protocols.dlms.profile import DISCONNECTOR, disconnect, read_disconnector, reconnect

_STEP = 0.25


@dataclass(slots=True, kw_only=True)
class SupplyDriver(ActuatorDriver):
    """A disconnect control (class 70). Whoever moves it holds ``lock``."""

    link: MeterLink  # type: ignore[assignment]  # a meter in place of a Modbus device: all that uses it is said anew here
    leased = False

    @property
    def limits(self) -> Limits:
        """What the guard needs."""
        return Limits(actuator=self.settings, device_low_m=0.0, device_high_m=1.0, resolution_m=_STEP)

    async def read(self) -> float | None:
        """0, 1, or 0.5 where somebody must press the button at the meter; None without an answer."""
        try:
            found = await self.link.run(Priority.READ_BACK, lambda client: read_disconnector(client, self._obis))
        except (DeviceError, DecodeError, ConfigurationError):
            return None
        return {ControlState.DISCONNECTED: 0.0, ControlState.CONNECTED: 1.0, ControlState.READY_FOR_RECONNECTION: 0.5}[found.state]

    async def drive(self, value_m: float, *, allowed: Callable[[], bool]) -> Driven:
        """Switches once and reads back. Whatever the meter answers to the switching, only the read back decides.

        Raises:
            NotAllowed: The value is neither 0 nor 1.
        """
        if value_m not in (0.0, 1.0):
            raise NotAllowed(f"a supply is 0 (off) or 1 (on), not {value_m:g}")
        fault = ""

        async def switch(client: DlmsClient) -> bool:
            await client.connect()  # associating may take long: ask for leave after it, not before
            if not allowed():
                return False
            await (reconnect if value_m else disconnect)(client, self._obis)
            return True

        try:
            if not await self.link.run(Priority.COMMAND, switch):
                return Driven(sent=False, verified=False, readback_m=None)
        except (DeviceError, DecodeError, ConfigurationError) as error:
            fault = f"{error}; "
        driven = await self.read_patiently(value_m)
        await self._leave()
        if driven.verified:
            return driven
        detail = "somebody must press the button at the meter" if driven.readback_m == 0.5 else driven.detail
        return Driven(sent=True, verified=False, readback_m=driven.readback_m, detail=fault + detail)

    async def _leave(self) -> None:
        try:
            await self.link.leave()
        except (DeviceError, ConfigurationError):
            self.link.abort()

    @property
    def _obis(self) -> Obis:
        return self.link.model.disconnect or DISCONNECTOR
