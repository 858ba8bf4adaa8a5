"""COSEM data: the types of the Blue Book as values, and their A-XDR encoding (IEC 61334-6).

A ``Data`` keeps its type, since a meter refuses a SET whose type is not the one it expects; ``plain`` forgets it.

    06 00 00 30 39          Data(DOUBLE_LONG_UNSIGNED, 12345)
    02 02 0F FD 16 0D       Data(STRUCTURE, (Data(INTEGER, -3), Data(ENUM, 13)))
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from protocols.dlms.reader import Reader, encode_length, wrong

MAX_DEPTH = 16
"""Deepest nesting taken; real objects stay below six."""
MAX_NODES = 262_144
"""Most elements taken from one message: a few bytes of compact array may promise millions."""


class Kind(IntEnum):
    """Type tags of the ``Data`` choice (Green Book 9.5; Blue Book 4.1.5)."""

    NULL = 0
    ARRAY = 1
    STRUCTURE = 2
    BOOLEAN = 3
    BIT_STRING = 4
    DOUBLE_LONG = 5
    DOUBLE_LONG_UNSIGNED = 6
    OCTET_STRING = 9
    VISIBLE_STRING = 10
    UTF8_STRING = 12
    BCD = 13
    INTEGER = 15
    LONG = 16
    UNSIGNED = 17
    LONG_UNSIGNED = 18
    COMPACT_ARRAY = 19
    LONG64 = 20
    LONG64_UNSIGNED = 21
    ENUM = 22
    FLOAT32 = 23
    FLOAT64 = 24
    DATE_TIME = 25
    DATE = 26
    TIME = 27
    DELTA_INTEGER = 28
    DELTA_LONG = 29
    DELTA_DOUBLE_LONG = 30
    DELTA_UNSIGNED = 31
    DELTA_LONG_UNSIGNED = 32
    DELTA_DOUBLE_LONG_UNSIGNED = 33
    DONT_CARE = 255


INTEGERS: dict[Kind, tuple[int, bool]] = {
    Kind.DOUBLE_LONG: (4, True),
    Kind.DOUBLE_LONG_UNSIGNED: (4, False),
    Kind.BCD: (1, True),
    Kind.INTEGER: (1, True),
    Kind.LONG: (2, True),
    Kind.UNSIGNED: (1, False),
    Kind.LONG_UNSIGNED: (2, False),
    Kind.LONG64: (8, True),
    Kind.LONG64_UNSIGNED: (8, False),
    Kind.ENUM: (1, False),
    Kind.DELTA_INTEGER: (1, True),
    Kind.DELTA_LONG: (2, True),
    Kind.DELTA_DOUBLE_LONG: (4, True),
    Kind.DELTA_UNSIGNED: (1, False),
    Kind.DELTA_LONG_UNSIGNED: (2, False),
    Kind.DELTA_DOUBLE_LONG_UNSIGNED: (4, False),
}
"""Whole-number types: bytes, and whether signed."""
DELTAS = frozenset(k for k in Kind if 28 <= k <= 33)
FIXED_OCTETS = {Kind.DATE_TIME: 12, Kind.DATE: 5, Kind.TIME: 4}
_EMPTY = frozenset({Kind.NULL, Kind.DONT_CARE})
_KINDS = {int(k): k for k in Kind}


@dataclass(frozen=True, slots=True)
class Data:
    """One value with its type.

    ``value`` is None (null, don't care), bool, int, float, str (texts; a bit string as ``"0110"``), bytes (octet strings, and
    date-time, date, time as they stand on the wire), a tuple of ``Data`` (array, structure) or a ``CompactArray``.
    """

    kind: Kind
    value: Any = None


@dataclass(frozen=True, slots=True)
class TypeDescription:
    """The type every item of a compact array has, said once."""

    kind: Kind
    elements: tuple[TypeDescription, ...] = ()
    """Of a structure: its fields. Of an array: the one type of its elements."""
    count: int = 0
    """Of an array: how many elements each has."""


@dataclass(frozen=True, slots=True)
class CompactArray:
    """An array whose items carry no type tags."""

    description: TypeDescription
    items: tuple[Data, ...]


def decode(data: bytes) -> Data:
    """The one value these bytes hold.

    Raises:
        DecodeError: They hold none, more than one, or one nested deeper or larger than is taken.
    """
    reader = Reader(data)
    value = read(reader)
    reader.finish("the value")
    return value


def read(reader: Reader) -> Data:
    """The next value of a reader; raises as ``decode``."""
    return _Decoder(reader).tagged(0)


def encode(data: Data) -> bytes:
    """The bytes of a value.

    Raises:
        ValueError: The value does not fit its type; nothing is half written.
    """
    out = bytearray()
    _write_tagged(out, data, 0)
    return bytes(out)


def plain(data: Data) -> Any:
    """The value without types: tuples of None, bool, int, float, str and bytes."""
    if data.kind is Kind.COMPACT_ARRAY:
        return tuple(plain(item) for item in data.value.items)
    if data.kind in (Kind.ARRAY, Kind.STRUCTURE):
        return tuple(plain(item) for item in data.value)
    return data.value


def items_of(data: Data, what: str) -> tuple[Data, ...]:
    """The elements of an array, structure or compact array.

    Raises:
        DecodeError: It is none of these.
    """
    if data.kind is Kind.COMPACT_ARRAY:
        items: tuple[Data, ...] = data.value.items
        return items
    if data.kind not in (Kind.ARRAY, Kind.STRUCTURE):
        raise wrong(f"{what} is a {data.kind.name.lower()}, an array or structure was expected")
    elements: tuple[Data, ...] = data.value
    return elements


def structure(*fields: Data) -> Data:
    """A structure of these fields."""
    return Data(Kind.STRUCTURE, fields)


def array(elements: Iterable[Data]) -> Data:
    """An array of these elements."""
    return Data(Kind.ARRAY, tuple(elements))


def octets(value: bytes) -> Data:
    """An octet string."""
    return Data(Kind.OCTET_STRING, value)


class _Decoder:
    """One message's worth of decoding: counts elements, so that size is bounded by more than the bytes received."""

    __slots__ = ("nodes", "reader")

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.nodes = 0

    def tagged(self, depth: int) -> Data:
        tag = self.reader.u8()
        kind = _KINDS.get(tag)
        if kind is None:
            raise wrong(f"type tag {tag} at offset {self.reader.position - 1} is no COSEM type")
        self._count(depth)
        if kind is Kind.ARRAY or kind is Kind.STRUCTURE:
            count = self.reader.length()
            if count > self.reader.remaining:
                raise wrong(f"{count} elements promised at offset {self.reader.position}, {self.reader.remaining} bytes are left")
            return Data(kind, tuple([self.tagged(depth + 1) for _ in range(count)]))
        if kind is Kind.COMPACT_ARRAY:
            return Data(kind, self._compact(depth))
        return Data(kind, _READ[kind](self.reader))

    def _count(self, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise wrong(f"nested deeper than {MAX_DEPTH} or more than {MAX_NODES} elements at offset {self.reader.position}")

    def _compact(self, depth: int) -> CompactArray:
        description = self._description(depth + 1)
        length = self.reader.length()
        if length > self.reader.remaining:
            raise wrong(f"compact array of {length} bytes, {self.reader.remaining} are left")
        stop = self.reader.position + length
        whole, self.reader.end = self.reader.end, stop
        found: list[Data] = []
        while self.reader.position < stop:
            before = self.reader.position
            found.append(self._untagged(description, depth + 1))
            if self.reader.position == before:
                raise wrong("compact array whose items take no bytes")
        self.reader.end = whole
        return CompactArray(description, tuple(found))

    def _description(self, depth: int) -> TypeDescription:
        tag = self.reader.u8()
        kind = _KINDS.get(tag)
        self._count(depth)
        if kind is None or kind is Kind.COMPACT_ARRAY:
            raise wrong(f"type tag {tag} at offset {self.reader.position - 1} cannot describe a compact array")
        if kind is Kind.ARRAY:
            count = self.reader.unsigned(2)
            return TypeDescription(kind, (self._description(depth + 1),), count)
        if kind is Kind.STRUCTURE:
            fields = self.reader.length()
            if fields > self.reader.remaining:
                raise wrong(f"structure of {fields} fields described, {self.reader.remaining} bytes are left")
            return TypeDescription(kind, tuple([self._description(depth + 1) for _ in range(fields)]))
        return TypeDescription(kind)

    def _untagged(self, description: TypeDescription, depth: int) -> Data:
        self._count(depth)
        kind = description.kind
        if kind is Kind.STRUCTURE:
            return Data(kind, tuple([self._untagged(field, depth + 1) for field in description.elements]))
        if kind is Kind.ARRAY:
            return Data(kind, tuple([self._untagged(description.elements[0], depth + 1) for _ in range(description.count)]))
        return Data(kind, _READ[kind](self.reader))


def _read_bits(reader: Reader) -> str:
    length = reader.length()
    if not length:
        return ""
    raw = reader.take((length + 7) // 8)
    return f"{int.from_bytes(raw, 'big'):0{len(raw) * 8}b}"[:length]


def _read_utf8(reader: Reader) -> str:
    raw = reader.octets()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise wrong(f"text is not UTF-8 before offset {reader.position} ({error.reason})") from None


def _integer_reader(size: int, signed: bool) -> Callable[[Reader], int]:
    if signed:
        return lambda reader: reader.signed(size)
    return lambda reader: reader.unsigned(size)


_READ: dict[Kind, Callable[[Reader], Any]] = {
    Kind.NULL: lambda _: None,
    Kind.DONT_CARE: lambda _: None,
    Kind.BOOLEAN: Reader.flag,
    Kind.BIT_STRING: _read_bits,
    Kind.OCTET_STRING: Reader.octets,
    Kind.VISIBLE_STRING: lambda reader: reader.octets().decode("latin-1"),
    Kind.UTF8_STRING: _read_utf8,
    Kind.FLOAT32: lambda reader: struct.unpack(">f", reader.take(4))[0],
    Kind.FLOAT64: lambda reader: struct.unpack(">d", reader.take(8))[0],
    Kind.DATE_TIME: lambda reader: reader.take(12),
    Kind.DATE: lambda reader: reader.take(5),
    Kind.TIME: lambda reader: reader.take(4),
    **{kind: _integer_reader(size, signed) for kind, (size, signed) in INTEGERS.items()},
}


def _write_tagged(out: bytearray, data: Data, depth: int) -> None:
    out.append(data.kind)
    if data.kind in (Kind.ARRAY, Kind.STRUCTURE):
        if depth >= MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        out += encode_length(len(data.value))
        for item in data.value:
            _write_tagged(out, item, depth + 1)
    elif data.kind is Kind.COMPACT_ARRAY:
        _write_description(out, data.value.description)
        contents = bytearray()
        for item in data.value.items:
            before = len(contents)
            _write_untagged(contents, item, data.value.description)
            if len(contents) == before:
                raise ValueError("the items of a compact array must take bytes")
        out += encode_length(len(contents)) + contents
    else:
        _write_simple(out, data)


def _write_description(out: bytearray, description: TypeDescription) -> None:
    out.append(description.kind)
    if description.kind is Kind.ARRAY:
        out += description.count.to_bytes(2, "big")
    elif description.kind is Kind.STRUCTURE:
        out += encode_length(len(description.elements))
    for element in description.elements:
        _write_description(out, element)


def _write_untagged(out: bytearray, data: Data, description: TypeDescription) -> None:
    kind = description.kind
    if data.kind is not kind:
        raise ValueError(f"a {data.kind.name} in a compact array of {kind.name}")
    if kind is Kind.STRUCTURE or kind is Kind.ARRAY:
        types = description.elements if kind is Kind.STRUCTURE else description.elements * description.count
        if len(types) != len(data.value):
            raise ValueError(f"{len(data.value)} elements in a compact array, {len(types)} are described")
        for item, element in zip(data.value, types, strict=True):
            _write_untagged(out, item, element)
    else:
        _write_simple(out, data)


def _write_simple(out: bytearray, data: Data) -> None:
    kind, value = data.kind, data.value
    if kind in _EMPTY:
        return
    try:
        if kind in INTEGERS:
            size, signed = INTEGERS[kind]
            out += int.to_bytes(value, size, "big", signed=signed)
        else:
            out += _WRITE[kind](kind, value)
    except (OverflowError, struct.error, TypeError, AttributeError, UnicodeEncodeError) as error:
        raise ValueError(f"{value!r} is no {kind.name.lower().replace('_', ' ')} ({error})") from None


def _bits(_: Kind, value: str) -> bytes:
    if value.strip("01"):
        raise ValueError(f"{value!r} is no bit string: zeros and ones are")
    padded = value + "0" * (-len(value) % 8)
    return encode_length(len(value)) + (int(padded, 2).to_bytes(len(padded) // 8, "big") if padded else b"")


def _fixed(kind: Kind, value: bytes) -> bytes:
    if len(value) != FIXED_OCTETS[kind]:
        raise ValueError(f"{len(value)} bytes for a {kind.name.lower()}, {FIXED_OCTETS[kind]} are wanted")
    return bytes(value)


def _sized(raw: bytes) -> bytes:
    return encode_length(len(raw)) + raw


_WRITE: dict[Kind, Callable[[Kind, Any], bytes]] = {
    Kind.BOOLEAN: lambda _, value: b"\x01" if value else b"\x00",
    Kind.BIT_STRING: _bits,
    Kind.OCTET_STRING: lambda _, value: _sized(bytes(value)) if not isinstance(value, int) else _refuse(value),
    Kind.VISIBLE_STRING: lambda _, value: _sized(value.encode("latin-1")),
    Kind.UTF8_STRING: lambda _, value: _sized(value.encode("utf-8")),
    Kind.FLOAT32: lambda _, value: struct.pack(">f", value),
    Kind.FLOAT64: lambda _, value: struct.pack(">d", value),
    Kind.DATE_TIME: _fixed,
    Kind.DATE: _fixed,
    Kind.TIME: _fixed,
}


def _refuse(value: object) -> bytes:
    raise TypeError(f"{value!r} is no string of octets")
