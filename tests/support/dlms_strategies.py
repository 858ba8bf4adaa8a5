"""Random COSEM values and APDUs for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from protocols.dlms.data import INTEGERS, CompactArray, Data, Kind, TypeDescription
from protocols.dlms.get import Attribute
from protocols.dlms.obis import Obis
from protocols.dlms.selection import Selection


def _of(kind: Kind, values: st.SearchStrategy[object]) -> st.SearchStrategy[Data]:
    return values.map(lambda value: Data(kind, value))


def _range(size: int, signed: bool) -> st.SearchStrategy[int]:
    bits = 8 * size
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else st.integers(0, (1 << bits) - 1)


SIMPLE = st.one_of(
    st.just(Data(Kind.NULL)),
    st.just(Data(Kind.DONT_CARE)),
    _of(Kind.BOOLEAN, st.booleans()),
    _of(Kind.BIT_STRING, st.text("01", max_size=40)),
    _of(Kind.OCTET_STRING, st.binary(max_size=300)),
    _of(Kind.VISIBLE_STRING, st.text(st.characters(max_codepoint=255), max_size=20)),
    _of(Kind.UTF8_STRING, st.text(max_size=20)),
    _of(Kind.FLOAT32, st.floats(width=32, allow_nan=False)),
    _of(Kind.FLOAT64, st.floats(allow_nan=False)),
    _of(Kind.DATE_TIME, st.binary(min_size=12, max_size=12)),
    _of(Kind.DATE, st.binary(min_size=5, max_size=5)),
    _of(Kind.TIME, st.binary(min_size=4, max_size=4)),
    *(_of(kind, _range(*form)) for kind, form in INTEGERS.items()),
)


@st.composite
def compact_arrays(draw: st.DrawFn) -> Data:
    """Rows of a few typed columns."""
    kinds = draw(st.lists(st.sampled_from(sorted(INTEGERS)), min_size=1, max_size=4))
    description = TypeDescription(Kind.STRUCTURE, tuple(TypeDescription(kind) for kind in kinds))
    row = st.tuples(*(_of(kind, _range(*INTEGERS[kind])) for kind in kinds)).map(lambda fields: Data(Kind.STRUCTURE, fields))
    return Data(Kind.COMPACT_ARRAY, CompactArray(description, tuple(draw(st.lists(row, max_size=5)))))


DATA = st.recursive(
    SIMPLE | compact_arrays(),
    lambda inner: st.builds(Data, st.sampled_from([Kind.ARRAY, Kind.STRUCTURE]), st.lists(inner, max_size=5).map(tuple)),
    max_leaves=20,
)
OBIS = st.binary(min_size=6, max_size=6).map(Obis)
ATTRIBUTES = st.builds(
    Attribute,
    class_id=st.integers(0, 0xFFFF),
    obis=OBIS,
    attribute=st.integers(-128, 127),
    selection=st.none() | st.builds(Selection, st.integers(0, 255), DATA),
)
BYTE = st.integers(0, 255)
