"""A device as the gateway uses it: its model, its address, its place on the bus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from domain.errors import ConfigurationError
from edge.bus import BusActor, Priority
from edge.device_settings import DeviceSettings
from edge.reporting import Reporter
from protocols.modbus.profile import DeviceModel, ReadRequest, WriteRequest, decode, load_model, plan

AllowedCheck = Callable[[], bool]
"""Asked at the last moment before a write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLink:
    """One device on its bus."""

    settings: DeviceSettings
    model: DeviceModel
    requests: tuple[ReadRequest, ...]
    """What one poll asks for."""
    bus: BusActor

    @property
    def key(self) -> str:
        """Name of the device in topics."""
        return self.settings.key

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the fields that are read."""
        return tuple(field for request in self.requests for field in request.fields)

    async def forget(self) -> None:
        """The device is asked no more by this link."""
        await self.bus.forget(self.settings.unit_id)

    async def read(self, request: ReadRequest, priority: Priority) -> dict[str, float | None]:
        """The values of a request's fields in canonical units; None where the device says it has no value.

        Raises:
            DeviceTimeout: No answer in time.
            DeviceRefused: The device answered with an exception code.
            DeviceError: The answer does not fit the question.
        """
        client = self.bus.client(self.settings.unit_id, self.settings.timeout_s)
        await client.settled()  # not inside the job: others use the bus meanwhile
        registers = await self.bus.submit(priority, lambda: client.read(request))
        return decode(self.model, request, registers)

    async def ask_once(self, request: ReadRequest) -> None:
        """Asks, leaves the answer, and books the time on what the bus may spend on the dead. Raises as ``read``."""
        client = self.bus.client(self.settings.unit_id, self.settings.timeout_s)
        await client.settled()
        loop, budget = asyncio.get_running_loop(), self.bus.dead_time

        async def job() -> None:
            began = loop.time()
            try:
                await client.read(request)
            finally:
                budget.spent(loop.time() - began, loop.time())

        await self.bus.submit(Priority.SLOW, job)

    async def read_field(self, name: str) -> float | None:
        """One field, with the priority of a read back; raises as ``read``."""
        (request,) = plan(self.model, (name,))
        return (await self.read(request, Priority.READ_BACK))[name]

    async def write(self, request: WriteRequest, *, allowed: AllowedCheck) -> bool:
        """Writes if ``allowed`` still says so when the bus is free; returns whether it was sent.

        Raises:
            DeviceTimeout: No confirmation in time: the value may or may not be there.
            DeviceRefused: The device answered with an exception code.
        """
        client = self.bus.client(self.settings.unit_id, self.settings.timeout_s)

        await client.settled()

        async def job() -> bool:
            await client.connect()  # opening may take long: ask for leave after it, not before
            if not allowed():
                return False
            await client.write(request)
            return True

        return await self.bus.submit(Priority.COMMAND, job)


def link_device(settings: DeviceSettings, bus: BusActor) -> DeviceLink:
    """The device with its model loaded and its settings checked against it.

    Raises:
        ConfigurationError: Model or field is unknown, or an actuator's field cannot be written within its limits.
    """
    model = load_model(settings.model)
    fields = settings.fields or tuple(f.name for f in model.fields)
    for actuator in settings.actuators:
        limits = model.field(actuator.field).writable
        if limits is None:
            raise _wrong(actuator.key, "field", actuator.field, f"a writable field of {model.name}")
        for name in ("min_m", "max_m"):
            value = getattr(actuator, name)
            if not limits.low <= value <= limits.high:
                raise _wrong(
                    actuator.key, name, value, f"a value within {limits.low:g}..{limits.high:g} of {model.name}.{actuator.field}"
                )
    Reporter(model, settings.report, device=settings.key)  # refuses here what it would refuse later
    return DeviceLink(settings=settings, model=model, requests=plan(model, fields), bus=bus)


def _wrong(actuator: str, name: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(file="edge.toml", key=f"device.actuator[{actuator}].{name}", value=value, expected=expected)
