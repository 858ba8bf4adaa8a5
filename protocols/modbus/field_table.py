"""One ``[[field]]`` of a device model file into a ``Field``, with errors that say what would be right."""

from __future__ import annotations

from fractions import Fraction

from domain.quantities import Quantity, resolution_in_canonical, unit_of
from domain.tables import Table
from protocols.modbus.codec import DataType, is_order, natural_order
from protocols.modbus.model import Field, Function, Writable


def parse_field(table: Table) -> Field:
    table.only(
        "name", "function", "address", "type", "order", "scale", "offset", "unit", "quantity", "resolution", "sentinels",
        "low", "high", "writable", "description",
    )  # fmt: skip
    function: Function = table.word("function", Function)
    datatype: DataType = table.word("type", DataType, DataType.BIT if function.bits else None)
    if datatype is None or function.bits != (datatype is DataType.BIT):
        expected = "'bit' for coils and discrete inputs, a number type such as 'uint16' for registers"
        raise table.wrong("type", table.data.get("type"), expected)
    quantity: Quantity = table.word("quantity", Quantity)
    name: str = table.text("name")
    if not name.endswith(quantity.suffix):
        raise table.wrong("name", name, f"a name that ends in {quantity.suffix!r}, the suffix of {quantity.value}")
    unit = table.unit("unit", quantity)
    scale = _exact(table, "scale", 1)
    if scale == 0:
        raise table.wrong("scale", 0, "a number other than 0")
    address: int = table.integer("address")
    if address + datatype.words > 0x1_0000:
        raise table.wrong("address", address, f"an address whose {datatype.words} registers end by 65535, counted from 0")
    found = Field(
        name=name,
        function=function,
        address=address,
        type=datatype,
        order=_order(table, datatype),
        scale=scale,
        offset=_exact(table, "offset", 0),
        unit=unit,
        quantity=quantity,
        resolution=_resolution(table, quantity),
        sentinels=_sentinels(table, datatype),
        low=table.number("low", None),
        high=table.number("high", None),
        writable=_writable(table, function),
        description=table.text("description", ""),
    )
    _check_limits_fit(table, found)
    return found


def _check_limits_fit(table: Table, found: Field) -> None:
    """A limit that the registers cannot hold would be found out at the valve."""
    if found.writable is None:
        return
    for key, value in (("min", found.writable.low), ("max", found.writable.high), ("safe", found.writable.safe)):
        try:
            if value is not None:
                found.registers(value)
        except ValueError as error:
            raise table.wrong(f"writable.{key}", value, f"a value that the registers can hold: {error}") from None


def _exact(table: Table, key: str, default: int) -> Fraction:
    """A number exactly as it is written: 0.01 is one hundredth."""
    return Fraction(repr(table.number(key, float(default))))


def _order(table: Table, datatype: DataType) -> str:
    order: str = table.text("order", natural_order(datatype) if datatype.words == 1 else None) or ""
    if datatype is not DataType.BIT and not is_order(order, datatype):
        natural = natural_order(datatype)
        expected = f"each of the letters {natural} once, in wire order: {2 * datatype.words} bytes for {datatype.value}"
        raise table.wrong("order", order or None, expected)
    return order


def _resolution(table: Table, quantity: Quantity) -> float:
    step = table.decimal("resolution")
    return float(resolution_in_canonical(step, unit_of(quantity.unit, quantity)))


def _sentinels(table: Table, datatype: DataType) -> frozenset[int]:
    top = (1 << 16 * datatype.words) - 1
    values = table.data.get("sentinels", [])
    good = isinstance(values, list) and all(isinstance(v, int) and not isinstance(v, bool) and 0 <= v <= top for v in values)
    if not good or (values and datatype is DataType.BIT):
        raise table.wrong("sentinels", values, f"a list of bit patterns within 0..0x{top:X}, such as [0x7FFF]; none for a bit")
    return frozenset(values)


def _writable(table: Table, function: Function) -> Writable | None:
    if "writable" not in table.data:
        return None
    if function not in (Function.HOLDING, Function.COIL):
        raise table.wrong("writable", table.data["writable"], f"no limits: a {function.value} cannot be written")
    limits = table.table("writable")
    limits.only("min", "max", "safe")
    low = limits.number("min")
    high = limits.number("max", low=low)
    return Writable(low=low, high=high, safe=limits.number("safe", None, low=low, high=high))
