"""``khettara edge probe`` and ``edge scan``: what a device says now, and who answers at all.

Both ask one question at a time and stop by themselves: a field bus is somebody's production plant.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from domain.errors import ConfigurationError, DeviceError, DeviceRefused
from protocols.dlms.models import is_meter_model
from protocols.modbus.client import ABSENT_CODES, ModbusClient
from protocols.modbus.fieldbus import FieldClient
from protocols.modbus.profile import DeviceModel, Function, ReadRequest, decode, load_model, plan
from protocols.modbus.rtu_client import RtuClient
from protocols.modbus.rtu_line import RtuLine
from protocols.modbus.rtu_wires import TcpWire

_MOST_QUESTIONS = 4096
_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One address of a scan."""

    port: int
    unit_id: int
    answers: bool
    what: str


async def probe(client: FieldClient, model: DeviceModel) -> tuple[dict[str, float | None], list[str]]:
    """Every field read once in canonical units, and what went wrong, request by request."""
    values: dict[str, float | None] = {}
    faults: list[str] = []
    for request in plan(model):
        try:
            values |= decode(model, request, await client.read(request))
        except DeviceRefused as error:
            faults.append(f"{', '.join(request.fields)}: {error}")
        except DeviceError as error:
            faults.append(f"{', '.join(request.fields)}: {error}")
            break
    return values, faults


def run_probe(host: str, model_name: str, *, port: int, unit_id: int, timeout_s: float, rtu: bool, console: Console) -> int:
    """Prints a table of one reading; returns 0 if every field could be read, 1 otherwise. A DLMS meter is asked as by the public.

    Raises:
        ConfigurationError: There is no such model.
    """
    if is_meter_model(model_name):
        from app.dlms_probe import run_public_probe

        return run_public_probe(host, model_name, port=port, server=unit_id, timeout_s=timeout_s, console=console)
    model = load_model(model_name)

    async def run() -> tuple[dict[str, float | None], list[str]]:
        client = _client(host, port, unit_id, timeout_s, rtu=rtu)
        try:
            return await probe(client, model)
        finally:
            await client.close()

    values, faults = asyncio.run(run())
    table = Table(title=f"{model.name} at {host}:{port} unit {unit_id}")
    for heading in ("field", "value", "unit", "register", "note"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for field in model.fields:
        if field.name in values:
            value = values[field.name]
            shown = "no value" if value is None else f"{value:.12g}"
            table.add_row(
                field.name, shown, field.quantity.unit, f"{field.function.value} {field.address}", _note(field.name, value, model)
            )
        else:
            table.add_row(field.name, "-", field.quantity.unit, f"{field.function.value} {field.address}", "not read")
    console.print(table)
    for fault in faults:
        console.print(fault, style="red", markup=False, highlight=False)
    return 1 if faults else 0


def _note(name: str, value: float | None, model: DeviceModel) -> str:
    field = model.field(name)
    if value is None:
        return "the device says it has none"
    if field.low is not None and value < field.low:
        return f"below the model's {field.low:g}: wrong model or byte order?"
    if field.high is not None and value > field.high:
        return f"above the model's {field.high:g}: wrong model or byte order?"
    return ""


async def scan(host: str, ports: Iterable[int], units: Iterable[int], *, timeout_s: float, rtu: bool) -> AsyncIterator[Found]:
    """Asks each unit at each port for one register, one after the other; a port that does not open is asked once.

    Any answer counts, a refusal of the register too; "gateway: nobody there" does not.
    """
    request = ReadRequest(function=Function.HOLDING, address=0, count=1)
    for port in ports:
        wire = None if not rtu else RtuLine(TcpWire(host, port), quiet_s=0.0)
        for unit_id in units:
            client: FieldClient
            if wire is None:
                client = ModbusClient(host, port, unit_id=unit_id, timeout_s=timeout_s)
            else:
                client = RtuClient(wire, unit_id=unit_id, timeout_s=timeout_s)
            try:
                await client.connect()
            except DeviceError:
                yield Found(port=port, unit_id=unit_id, answers=False, what="port is closed")
                break
            try:
                registers = await client.read(request)
                found = Found(port=port, unit_id=unit_id, answers=True, what=f"holding 0 = {registers[0]}")
            except DeviceRefused as error:
                found = Found(port=port, unit_id=unit_id, answers=error.code not in ABSENT_CODES, what=f"exception {error.code}")
            except DeviceError as error:
                found = Found(port=port, unit_id=unit_id, answers=False, what=str(error))
            finally:
                await client.close()
            yield found
            await asyncio.sleep(_PAUSE_S)


def run_scan(host: str, ports: str, units: str, *, timeout_s: float, rtu: bool, console: Console) -> int:
    """Prints who answers; returns 0 if somebody does.

    Raises:
        ConfigurationError: A range that is none, or more questions than a bus should be asked.
    """
    port_list, unit_list = numbers(ports, "--ports", 1, 65535), numbers(units, "--units", 0, 255)
    if len(port_list) * len(unit_list) > _MOST_QUESTIONS:
        raise ConfigurationError(
            file="command line",
            key="--units",
            value=f"{len(port_list)} x {len(unit_list)}",
            expected=f"at most {_MOST_QUESTIONS} questions",
        )

    async def run() -> list[Found]:
        answering = []
        async with aclosing(scan(host, port_list, unit_list, timeout_s=timeout_s, rtu=rtu)) as results:  # type: ignore[type-var]  # an async generator has aclose
            async for found in results:
                if found.answers:
                    console.print(f"{host}:{found.port} unit {found.unit_id}: {found.what}", highlight=False)
                    answering.append(found)
        return answering

    answering = asyncio.run(run())
    console.print(f"{len(answering)} of {len(port_list) * len(unit_list)} addresses answer", highlight=False)
    return 0 if answering else 1


def numbers(text: str, key: str, low: int, high: int) -> list[int]:
    """``1-3,7`` as 1, 2, 3, 7, without repetition.

    Raises:
        ConfigurationError: Not such a list, or outside the limits.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.strip().isdigit() or (dash and not last.strip().isdigit()):
            raise ConfigurationError(file="command line", key=key, value=text, expected="numbers and ranges such as 1-8,17")
        start, end = int(first), int(last or first)
        if not low <= start <= end <= high:
            raise ConfigurationError(file="command line", key=key, value=part, expected=f"rising numbers from {low} to {high}")
        found += range(start, end + 1)
    return list(dict.fromkeys(found))


def _client(host: str, port: int, unit_id: int, timeout_s: float, *, rtu: bool) -> FieldClient:
    if rtu:
        return RtuClient(RtuLine(TcpWire(host, port), quiet_s=0.0), unit_id=unit_id, timeout_s=timeout_s)
    return ModbusClient(host, port, unit_id=unit_id, timeout_s=timeout_s)
