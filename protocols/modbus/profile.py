"""Device models out of TOML files: one file a kind of device, with frames that prove it.

    [[field]] name, function, address, type, order, scale, offset, unit, quantity, resolution, sentinels, low, high, writable
    [[sample]] function, address, registers (hex), expect

A newcomer's device is one such file; the frames in it are read with the fields of the same file each time it is loaded.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError
from domain.tables import Table, closest
from protocols.modbus.field_table import parse_field
from protocols.modbus.model import DeviceModel, Field, Function, Sample, Writable
from protocols.modbus.requests import ReadRequest, WriteRequest, decode, encode_write, plan

__all__ = [
    "DeviceModel",
    "Field",
    "Function",
    "ReadRequest",
    "Sample",
    "Writable",
    "WriteRequest",
    "decode",
    "encode_write",
    "load_model",
    "model_names",
    "parse_model",
    "plan",
]


_NOT_OURS = "dlms_"
"""Models of meters that speak DLMS, in the same folder; see ``protocols.dlms.models``."""


def model_names() -> tuple[str, ...]:
    """Names of the models that come with the product, in alphabetical order."""
    names = (p.name.removesuffix(".toml") for p in _folder().iterdir() if p.name.endswith(".toml"))
    return tuple(sorted(name for name in names if not name.startswith(_NOT_OURS)))


def load_model(name: str, folder: Path | None = None) -> DeviceModel:
    """The device model of this name.

    Args:
        name: Stem of the file.
        folder: Where else to look, before the models that come with the product: a site's own.

    Raises:
        ConfigurationError: There is no such file, or it is wrong.
    """
    if folder is not None and (path := folder / f"{name}.toml").is_file():
        return _load(path.read_bytes(), str(path))
    known = model_names()
    if name not in known:
        near = closest(name, known)
        raise ConfigurationError(
            file=f"{name}.toml",
            key="model",
            value=name,
            expected="a device model" + (f"; did you mean {near!r}?" if near else f", one of {', '.join(known)}"),
        )
    return _own(name)


@cache
def _own(name: str) -> DeviceModel:
    """A model that comes with the product: hundreds of devices share one."""
    return _load((_folder() / f"{name}.toml").read_bytes(), f"{name}.toml")


def parse_model(data: Mapping[str, Any], file: str) -> DeviceModel:
    """The model a parsed TOML document describes, its samples checked.

    Raises:
        ConfigurationError: Unknown key or unit, a register twice, an order that does not fit, a sample that reads otherwise.
    """
    table = Table.root(file, data)
    table.only("name", "description", "max_gap", "max_span", "field", "sample")
    rows = table.tables("field")
    if not rows:
        raise table.wrong("field", None, "at least one [[field]]")
    fields = [parse_field(row) for row in rows]
    _check_overlaps(rows, fields)
    model = DeviceModel(
        name=table.text("name"),
        description=table.text("description", ""),
        fields=tuple(fields),
        max_gap=table.integer("max_gap", 0),
        max_span=table.integer("max_span", 125, low=1),
    )
    return replace(model, samples=tuple(_sample(row, model) for row in table.tables("sample")))


def _folder() -> Any:
    return resources.files("protocols") / "device_models"


def _load(text: bytes, file: str) -> DeviceModel:
    try:
        data = tomllib.loads(text.decode())
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigurationError(file=file, key="(file)", value="...", expected=f"a TOML document: {error}") from None
    model = parse_model(data, file)
    stem = Path(file).stem
    if model.name != stem:
        raise ConfigurationError(file=file, key="name", value=model.name, expected=f"the file's own name, {stem!r}")
    return model


def _check_overlaps(rows: Sequence[Table], fields: Sequence[Field]) -> None:
    pairs = list(zip(rows, fields, strict=True))
    seen: set[str] = set()
    for row, found in pairs:
        if found.name in seen:
            raise row.wrong("name", found.name, "a name no other field has")
        seen.add(found.name)
    pairs.sort(key=lambda pair: (pair[1].function, pair[1].address))
    for (_, before), (row, after) in pairwise(pairs):
        if before.function is after.function and after.address < before.end:
            taken = f"{before.name!r} ({before.function.value} {before.address}..{before.end - 1})"
            raise row.wrong("address", after.address, f"registers that {taken} does not hold already")


def _sample(table: Table, model: DeviceModel) -> Sample:
    table.only("function", "address", "registers", "expect")
    function: Function = table.word("function", Function)
    address: int = table.integer("address")
    registers = _hex(table)
    end = address + len(registers)
    inside = tuple(f.name for f in model.fields if f.function is function and address <= f.address and f.end <= end)
    expect = table.data.get("expect", {})
    if not isinstance(expect, Mapping) or set(expect) != set(inside):
        raise table.wrong("expect", expect, f'a value, or "none", for each field in these registers: {", ".join(inside)}')
    request = ReadRequest(function=function, address=address, count=len(registers), fields=inside)
    wanted = {name: _expected(table, name, value) for name, value in expect.items()}
    for name, value in decode(model, request, registers).items():
        if not _same(value, wanted[name], model.field(name).resolution):
            raise table.wrong(f"expect.{name}", wanted[name], f"{value}, which is what the registers and the field's keys give")
    return Sample(function=function, address=address, registers=registers, expect=wanted)


def _hex(table: Table) -> tuple[int, ...]:
    text: str = table.text("registers")
    try:
        registers = tuple(int(word, 16) for word in text.split())
    except ValueError:
        registers = ()
    if not registers or not all(0 <= r <= 0xFFFF for r in registers):
        raise table.wrong("registers", text, 'hexadecimal registers with blanks between, such as "4366 8000"')
    return registers


def _expected(table: Table, name: str, value: object) -> float | None:
    if value == "none":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise table.wrong(f"expect.{name}", value, 'a number in the canonical unit, or "none"')
    return float(value)


def _same(found: float | None, wanted: float | None, resolution: float) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return abs(found - wanted) <= resolution / 2
