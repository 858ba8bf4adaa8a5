"""The town's field devices: a real Modbus TCP server for each, showing what the plant says and taking setpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from protocols.dlms.models import is_meter_model
from protocols.modbus.profile import load_model
from protocols.modbus.server import RegisterBank, RegisterServer
from simulator.faults import Fault, LinkLost
from simulator.site import SimulatedSite


class FieldDevices:
    """One server with one register bank for each Modbus device of a site, each on a port of its own."""

    def __init__(self, site: SimulatedSite, *, host: str = "127.0.0.1") -> None:
        """Raises:
        ConfigurationError: A device's model does not exist or has not the field of a channel.
        """
        self._devices = {key: device for key, device in site.inventory.devices.items() if not is_meter_model(device.model)}
        self._host = host
        self._banks = {key: RegisterBank(load_model(device.model)) for key, device in self._devices.items()}
        self._actuators = dict(site.inventory.actuators)
        for key, device in self._devices.items():
            for channel in device.channels:
                self._banks[key].model.field(channel.field)
        self._servers = {key: RegisterServer({device.unit_id: self._banks[key]}, host) for key, device in self._devices.items()}
        # A setpoint channel is written from outside; the plant only sets it once, at the start.
        self._setpoint_fields = {(a.device, a.field) for a in self._actuators.values()}

    async def start(self) -> None:
        """Listens on all ports.

        Raises:
            OSError: A port is not to be had.
        """
        for server in self._servers.values():
            await server.start()

    async def stop(self) -> None:
        """Closes all ports."""
        for server in self._servers.values():
            await server.stop()

    def ports(self) -> dict[str, dict[str, object]]:
        """Where each device answers: host, port and unit id."""
        return {
            key: {"host": self._host, "port": server.port, "unit_id": self._devices[key].unit_id}
            for key, server in self._servers.items()
        }

    def set_setpoints(self, setpoints_m: Mapping[str, float]) -> None:
        """What the controllers hold when the town starts."""
        for key, value in setpoints_m.items():
            self._banks[self._actuators[key].device].set(self._actuators[key].field, value)

    def setpoints(self) -> dict[str, float]:
        """What the controllers hold now, by actuator [m]."""
        found = {key: self._banks[a.device].get(a.field) for key, a in self._actuators.items()}
        return {key: value for key, value in found.items() if value is not None}

    def show(self, values: Mapping[str, float], faults: Sequence[Fault], moment: datetime) -> None:
        """Puts what the sensors say into the registers; devices behind a lost link fall silent."""
        lost = {f.gateway for f in faults if isinstance(f, LinkLost) and f.active(moment)}
        for key, device in self._devices.items():
            bank = self._banks[key]
            bank.silent = device.gateway in lost
            for channel in device.channels:
                if (key, channel.field) not in self._setpoint_fields:
                    bank.set(channel.field, values[channel.point])
