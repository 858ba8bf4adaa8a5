"""The DLMS meters of a site's customers, out of its inventory: one data concentrator a gateway.

``meters.json`` in the town's folder is what the maker ships with them, credentials in clear; only its owner may read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from domain.assets import Device
from domain.errors import ConfigurationError
from protocols.dlms.models import is_meter_model
from simulator.customers import Customers
from simulator.dlms_meters import PROFILE_DAYS, Credentials, DlmsMeters, MeterKind, SimulatedMeter
from simulator.faults import Fault, LinkLost
from simulator.site import SimulatedSite

SHIPMENT = "meters.json"
_KEPT = timedelta(days=PROFILE_DAYS + 20)
"""The registers begin this long before the town goes live: longer than the profiles remember."""


class MeterPark:
    """All DLMS meters of a site."""

    def __init__(
        self, site: SimulatedSite, *, seed: int, folder: Path, live_start: datetime, now: Callable[[], datetime], host: str
    ) -> None:
        """Makes the meters' credentials at the first start and takes them up again at later ones.

        Raises:
            ConfigurationError: A kind of meter that is not simulated, or a shipment file that is none.
        """
        self._host = host
        self._devices = {key: device for key, device in site.inventory.devices.items() if is_meter_model(device.model)}
        kinds = {key: _kind(device) for key, device in self._devices.items()}
        customers = Customers(
            seed=seed, names=sorted(self._devices), calendar=site.inventory.site.calendar, since=live_start - _KEPT
        )
        credentials = _shipment(folder / SHIPMENT, sorted(self._devices))
        self._concentrators: dict[str, DlmsMeters] = {}
        for gateway in sorted({device.gateway for device in self._devices.values()}):
            meters = {
                device.unit_id: SimulatedMeter(
                    key,
                    kind=kinds[key],
                    number=device.unit_id,
                    customers=customers,
                    credentials=credentials[key],
                    now=now,
                )
                for key, device in self._devices.items()
                if device.gateway == gateway
            }
            self._concentrators[gateway] = DlmsMeters(meters, host=host)

    async def start(self) -> None:
        """Listens.

        Raises:
            OSError: A port is not to be had.
        """
        for concentrator in self._concentrators.values():
            await concentrator.start()

    async def stop(self) -> None:
        """Closes every port."""
        for concentrator in self._concentrators.values():
            await concentrator.stop()

    def ports(self) -> dict[str, dict[str, object]]:
        """Where each meter answers."""
        return {
            key: {"host": self._host, "port": self._concentrators[device.gateway].port, "unit_id": device.unit_id}
            for key, device in self._devices.items()
        }

    def show(self, faults: Sequence[Fault], moment: datetime) -> None:
        """Meters behind a lost link fall silent."""
        lost = {f.gateway for f in faults if isinstance(f, LinkLost) and f.active(moment)}
        for gateway, concentrator in self._concentrators.items():
            concentrator.silence(frozenset(concentrator.meters) if gateway in lost else frozenset())


def _kind(device: Device) -> MeterKind:
    try:
        return MeterKind(device.model)
    except ValueError:
        raise ConfigurationError(
            file="devices.toml",
            key=f"device {device.key!r}, model",
            value=device.model,
            expected="a meter that is simulated: " + ", ".join(MeterKind),
        ) from None


def _shipment(path: Path, names: Sequence[str]) -> Mapping[str, Credentials]:
    """The credentials of each meter, made where the file has none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        credentials = {name: Credentials.from_json(found[name]) for name in names if name in found}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            file=path.name, key="", value=type(error).__name__, expected="the meters' shipment file; delete it for new credentials"
        ) from None
    for i, name in enumerate(names):
        credentials.setdefault(name, Credentials.fresh(suite=i % 2))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps({name: one.to_json() for name, one in credentials.items()}, indent=1), encoding="utf-8")
    return credentials
