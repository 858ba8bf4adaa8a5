"""What is asked of a device, and what its answers mean. Pure.

DeviceModel ── plan ──▶ ReadRequests ── (client) ──▶ registers ── decode ──▶ values in canonical units
            └─ encode_write ──▶ WriteRequest
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.errors import DecodeError, NotAllowed
from protocols.modbus.model import DeviceModel, Field, Function


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """One request on the wire, and which fields its answer holds."""

    function: Function
    address: int
    count: int
    """Registers, or bits for coils and discrete inputs."""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """One write on the wire."""

    function: Function
    address: int
    registers: tuple[int, ...]
    field: str
    value: float
    """The canonical value that the device will show afterwards: the wish, rounded to the device's step."""


def plan(
    model: DeviceModel, fields: Iterable[str] | None = None, *, max_gap: int | None = None, max_span: int | None = None
) -> tuple[ReadRequest, ...]:
    """The fewest requests, in address order, that read these fields (default: all) without splitting one.

    Args:
        model: The device's model.
        fields: Names of the fields to read.
        max_gap: Registers between two fields that may be read along; default what the model allows.
        max_span: Most registers in a request; default what the model allows. The protocol's own limit holds in any case.

    Raises:
        ConfigurationError: A field is not the model's.
    """
    gap = model.max_gap if max_gap is None else max_gap
    span = model.max_span if max_span is None else max_span
    wanted = [model.field(n) for n in dict.fromkeys(fields)] if fields is not None else list(model.fields)
    wanted.sort(key=lambda f: (f.function, f.address))
    groups: list[list[Field]] = []
    for found in wanted:
        last = groups[-1] if groups else None
        if last and last[0].function is found.function:
            limit = min(span, found.function.max_count)
            if found.address - last[-1].end <= gap and found.end - last[0].address <= limit:
                last.append(found)
                continue
        groups.append([found])
    return tuple(
        ReadRequest(
            function=group[0].function,
            address=group[0].address,
            count=group[-1].end - group[0].address,
            fields=tuple(f.name for f in group),
        )
        for group in groups
    )


def decode(model: DeviceModel, request: ReadRequest, registers: Sequence[int]) -> dict[str, float | None]:
    """The values of the request's fields in canonical units; None where the device says it has no value.

    Raises:
        DecodeError: ``bad_length``: the answer is not as long as the request asked.
    """
    if len(registers) != request.count:
        raise DecodeError("bad_length", f"{model.name}: {len(registers)} registers at {request.address}, asked for {request.count}")
    values: dict[str, float | None] = {}
    for name in request.fields:
        found = model.field(name)
        start = found.address - request.address
        values[name] = found.value(registers[start : start + found.type.words])
    return values


def encode_write(model: DeviceModel, name: str, value: float) -> WriteRequest:
    """The write that sets a field to this canonical value, rounded to the device's step.

    Raises:
        NotAllowed: The field is not writable, or the value is not a finite number within its limits.
        ConfigurationError: The model has no such field.
    """
    found = model.field(name)
    limits = found.writable
    if limits is None:
        raise NotAllowed(f"{model.name}: field {name} is read only")
    if not limits.low <= value <= limits.high:  # also false for NaN
        raise NotAllowed(
            f"{model.name}: {name} = {value} {found.quantity.unit} is outside {limits.low:g}..{limits.high:g}, nothing was written"
        )
    try:
        registers = found.registers(value)
    except ValueError as error:
        raise NotAllowed(f"{model.name}: {error}") from None
    shown = found.value(registers)
    if shown is None or not limits.low - found.resolution / 2 <= shown <= limits.high + found.resolution / 2:
        raise NotAllowed(f"{model.name}: {name} = {value} {found.quantity.unit} would show as {shown} within its registers")
    return WriteRequest(function=found.function, address=found.address, registers=tuple(registers), field=name, value=shown)
