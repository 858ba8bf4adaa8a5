"""``khettara dlms …``: one meter of a gateway's configuration asked by hand, with the gateway's own keys and counters.

Counters are taken from the gateway's own folder, which several processes may share: no number is used twice, whoever asks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from app.dlms_keys import ensure_kek, secrets_of, write_key_file
from domain.errors import ConfigurationError, DecodeError, DeviceError
from edge.bus import BusActor, Priority
from edge.device_settings import DeviceSettings
from edge.dlms_link import MeterKeys, MeterLink, link_meter
from edge.dlms_registers import Registers
from edge.dlms_settings import DlmsSettings
from edge.settings import load_edge_settings
from edge.waiting import end_tasks
from protocols.dlms.client import DlmsClient
from protocols.dlms.counter_file import FileCounterStore
from protocols.dlms.counters import MemoryCounterStore
from protocols.dlms.prepaid import TokenResult, enter_token
from protocols.dlms.profile import read_clock, read_layout

T = TypeVar("T")


def meter_of(config: Path, device: str) -> MeterLink:
    """The meter of this name in an ``edge.toml``.

    Raises:
        ConfigurationError: There is none, or it is no DLMS meter.
    """
    settings = load_edge_settings(config)
    meters = {found.key: found for found in settings.devices if found.dlms is not None}
    if device not in meters:
        raise ConfigurationError(
            file=config.name, key="device.key", value=device, expected="a DLMS meter: " + (", ".join(meters) or "there is none")
        )
    keys = MeterKeys(counters=FileCounterStore(settings.state_dir / "dlms-counters"), kek_file=settings.kek_file)
    return link_meter(meters[device], BusActor(), keys)


async def ask(link: MeterLink, job: Callable[[DlmsClient], Awaitable[T]]) -> T:
    """One job at a meter, then goodbye; raises as ``MeterLink.run``."""
    running = asyncio.create_task(link.bus.run())
    try:
        found = await link.run(Priority.COMMAND, job)
        await link.leave()
        return found
    finally:
        link.abort()
        await end_tasks([running])


def run_meter_probe(config: Path, device: str, console: Console) -> int:
    """Prints every field, the clock and the columns of the load profile; returns 0 if nothing was refused.

    Raises:
        ConfigurationError: No such meter, or its keys cannot be had.
        DeviceError: It does not answer, or refuses us.
    """
    return probe_link(meter_of(config, device), console)


def run_public_probe(host: str, model: str, *, port: int, server: int, timeout_s: float, console: Console) -> int:
    """As ``run_meter_probe``, as the public client of a meter that no configuration names yet.

    Raises:
        ConfigurationError: There is no such model.
        DeviceError: It does not answer, or lets nobody read it.
    """
    settings = DeviceSettings(
        key=f"{host}:{port}", model=model, host=host, port=port, unit_id=server, period_s=60.0, timeout_s=timeout_s,
        dlms=DlmsSettings(server=server),
    )  # fmt: skip
    return probe_link(link_meter(settings, BusActor(), MeterKeys(counters=MemoryCounterStore())), console)


def probe_link(link: MeterLink, console: Console) -> int:
    """Reads and prints what ``run_meter_probe`` says."""

    async def look(client: DlmsClient) -> int:
        values, faults = await Registers().read(client, link.fields)
        table = Table(title=f"{link.key}: {link.model.description}")
        for heading in ("field", "value", "unit", "object"):
            table.add_column(heading, justify="right" if heading == "value" else "left")
        for found in link.fields:
            value = values.get(found.name)
            shown = "-" if found.name not in values else "no value" if value is None else f"{value:.12g}"
            table.add_row(found.name, shown, found.unit, str(found.attribute))
        console.print(table)
        faults += await _more(client, link, console)
        for fault in faults:
            console.print(fault, style="red", markup=False, highlight=False)
        return 1 if faults else 0

    return asyncio.run(ask(link, look))


async def _more(client: DlmsClient, link: MeterLink, console: Console) -> list[str]:
    faults = []
    if link.model.clock is not None:
        try:
            moment = (await read_clock(client, link.model.clock)).utc(zone=link.zone, deviation_sign=link.dlms.deviation_sign)
            console.print(f"clock: {moment.isoformat() if moment else 'no instant: set timezone'}", highlight=False)
        except (DeviceError, DecodeError) as error:
            faults.append(f"clock: {error}")
    if link.model.profile is not None:
        try:
            layout = await read_layout(client, link.model.profile.obis)
            columns = ", ".join(str(column.obis) for column in layout.columns)
            console.print(f"load profile every {layout.period_s} s: {columns}", highlight=False)
        except (DeviceError, DecodeError) as error:
            faults.append(f"load profile: {error}")
    return faults


def run_token(config: Path, device: str, digits: str, console: Console) -> int:
    """Enters a token at a prepaid meter and prints what became of it; returns 0 unless the meter refused it.

    Raises:
        ConfigurationError: No such meter, no token gateway at it, or no token of 20 digits.
        DeviceError: The meter does not answer, or refuses us.
    """
    link = meter_of(config, device)
    gateway = link.model.token_gateway
    if gateway is None:
        raise ConfigurationError(
            file=config.name, key="device.model", value=link.model.name, expected="a model with a token_gateway"
        )

    async def enter(client: DlmsClient) -> TokenResult:
        try:
            return await enter_token(client, digits, gateway)
        except ValueError as error:
            raise ConfigurationError(file="command line", key="TOKEN", value="…", expected=str(error)) from None

    found = asyncio.run(ask(link, enter))
    console.print(f"token {found.status.name.lower()} ({int(found.status)}), data {found.detail}", highlight=False)
    return 1 if found.status.failed else 0


def run_wrap(shipment: Path, out: Path, kek_file: Path, console: Console) -> None:
    """Wraps the keys of a shipment file, one file a meter; makes the key-encryption key where there is none.

    Raises:
        ConfigurationError: The shipment cannot be read or is none.
    """
    try:
        found = json.loads(shipment.read_text(encoding="utf-8"))
        items = [(str(name), dict(entry)) for name, entry in found.items()]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            file=str(shipment), key="(file)", value=type(error).__name__, expected="a JSON object: meter to its keys"
        ) from None
    kek = ensure_kek(kek_file)
    for name, entry in items:
        write_key_file(out / f"{name}.toml", kek, secrets_of(entry, str(shipment)))
    console.print(f"{len(items)} key files in {out}, wrapped under {kek_file}; now destroy {shipment}", highlight=False)
