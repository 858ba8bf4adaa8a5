"""The objects of a simulated meter: register, clock, profile, disconnect control, plain data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from protocols.dlms.action import ActionResult
from protocols.dlms.data import INTEGERS, Data, Kind, array, items_of, octets, structure
from protocols.dlms.datetimes import date_time_of, encode_date_time
from protocols.dlms.get import Result
from protocols.dlms.obis import Obis
from protocols.dlms.objects import capture_objects_of, whole_number, whole_numbers
from protocols.dlms.selection import CLOCK, CaptureObject, Selection

DENIED, UNDEFINED, UNMATCHED = 3, 4, 12
"""data-access-results and action-results used here."""
Live = Callable[[], Data]


@dataclass(slots=True, kw_only=True)
class MeterObject:
    """One COSEM object; attributes are values, or functions that give one at each reading."""

    class_id: int
    obis: Obis
    version: int = 0
    attributes: dict[int, Data | Live]
    writable: frozenset[int] = frozenset()
    methods: dict[int, Callable[[Data | None], ActionResult]] = field(default_factory=dict)
    on_set: Callable[[int, Data], int] | None = None
    """Asked before a write of a writable attribute; its data-access-result."""
    selects: Callable[[Selection], Result] | None = None
    """Selective access to attribute 2 of an object that does not hold its buffer in memory."""

    def get(self, attribute: int, selection: Selection | None = None) -> Result:
        """The value, or why not."""
        if attribute == 1:
            return Result(octets(self.obis))
        found = self.attributes.get(attribute)
        if found is None:
            return Result(None, UNDEFINED)
        if selection is not None and attribute == 2 and self.selects is not None:
            return self.selects(selection)
        value = found() if callable(found) else found
        if selection is None:
            return Result(value)
        columns = self.attributes.get(3)
        if self.class_id != 7 or attribute != 2 or not isinstance(columns, Data):
            return Result(None, UNMATCHED)
        return select(value, capture_objects_of(columns), selection)

    def set(self, attribute: int, value: Data) -> int:
        """Writes; the data-access-result."""
        if attribute not in self.writable:
            return DENIED if attribute in self.attributes else UNDEFINED
        old = self.attributes[attribute]
        if isinstance(old, Data) and old.kind is not value.kind:
            return UNMATCHED
        if self.on_set is not None:
            return self.on_set(attribute, value)  # a value that is worked out is not replaced by what was written
        self.attributes[attribute] = value
        return 0

    def call(self, method: int, parameter: Data | None) -> ActionResult:
        """Runs a method."""
        found = self.methods.get(method)
        return ActionResult(UNDEFINED) if found is None else found(parameter)


def register(obis: Obis, value: Data | Live, *, scaler: int, unit: int) -> MeterObject:
    """A register (class 3)."""
    scale = structure(Data(Kind.INTEGER, scaler), Data(Kind.ENUM, unit))
    return MeterObject(class_id=3, obis=obis, attributes={2: value, 3: scale})


def plain_data(obis: Obis, value: Data | Live, *, writable: bool = False) -> MeterObject:
    """A data object (class 1)."""
    return MeterObject(class_id=1, obis=obis, attributes={2: value}, writable=frozenset({2} if writable else ()))


def clock(now: Callable[[], datetime], on_set: Callable[[datetime], bool] | None = None) -> MeterObject:
    """A clock (class 8) that shows the aware time ``now`` gives; ``on_set`` says whether it takes another one."""

    def time() -> Data:
        return octets(encode_date_time(now()))

    def zone() -> Data:
        offset = now().utcoffset()
        return Data(Kind.LONG, 0 if offset is None else -round(offset.total_seconds() / 60))

    def written(_: int, value: Data) -> int:
        stamp = date_time_of(value)
        moment = None if stamp is None else stamp.utc(zone=UTC)
        if moment is None:
            return UNMATCHED
        return 0 if on_set is not None and on_set(moment) else DENIED

    found = MeterObject(class_id=8, obis=CLOCK, attributes={2: time, 3: zone})
    if on_set is not None:
        found.writable, found.on_set = frozenset({2}), written
    return found


def profile(obis: Obis, columns: Sequence[CaptureObject], rows: list[Data], *, period_s: int, capacity: int) -> MeterObject:
    """A profile (class 7, version 1) over a list of rows that its owner may lengthen; the newest ``capacity`` rows are shown."""
    return MeterObject(
        class_id=7,
        obis=obis,
        version=1,
        attributes={
            2: lambda: array(rows[-capacity:]),
            3: array(column.to_data() for column in columns),
            4: Data(Kind.DOUBLE_LONG_UNSIGNED, period_s),
            5: Data(Kind.ENUM, 1),
            6: (columns[0] if columns else CaptureObject(class_id=0, obis=CLOCK, attribute=0)).to_data(),
            7: lambda: Data(Kind.DOUBLE_LONG_UNSIGNED, min(len(rows), capacity)),
            8: Data(Kind.DOUBLE_LONG_UNSIGNED, capacity),
        },
    )


def disconnect_control(obis: Obis, on_change: Callable[[bool], bool] = lambda _: True) -> MeterObject:
    """A disconnect control (class 70); ``on_change`` is told the wish and says whether the valve or breaker followed."""
    control = MeterObject(class_id=70, obis=obis, attributes={})

    def move(connected: bool) -> ActionResult:
        if not on_change(connected):
            return ActionResult(2)  # temporary failure
        control.attributes[2] = Data(Kind.BOOLEAN, connected)
        control.attributes[3] = Data(Kind.ENUM, int(connected))
        return ActionResult(0)

    control.attributes = {2: Data(Kind.BOOLEAN, True), 3: Data(Kind.ENUM, 1), 4: Data(Kind.ENUM, 4)}
    control.methods = {1: lambda _: move(False), 2: lambda _: move(True)}
    return control


def select(buffer: Data, columns: Sequence[CaptureObject], selection: Selection) -> Result:
    """The part of a buffer that is asked for; raises ``DecodeError`` for parameters that are none."""
    rows = items_of(buffer, "profile buffer")
    if selection.selector == 2:
        first, last, first_column, last_column = whole_numbers(selection.parameters, 4, "entry descriptor")
        start, stop = max(first_column, 1) - 1, last_column or len(columns)
        kept = [structure(*items_of(row, "row")[start:stop]) for row in rows[max(first, 1) - 1 : last or None]]
        return Result(array(kept))
    fields = items_of(selection.parameters, "range descriptor")
    if selection.selector != 1 or len(fields) != 4:
        return Result(None, UNMATCHED)
    wanted = [columns.index(column) for column in capture_objects_of(fields[3]) if column in columns] or list(range(len(columns)))
    (restricting,) = capture_objects_of(array([fields[0]]))
    if restricting not in columns:
        return Result(None, UNMATCHED)
    at = columns.index(restricting)
    low, high = _order(fields[1]), _order(fields[2])
    found = []
    for row in rows:
        cells = items_of(row, "row")
        value = _order(cells[at])
        if type(value) is type(low) is type(high) and low <= value <= high:
            found.append(structure(*(cells[i] for i in wanted)))
    return Result(array(found))


def _order(data: Data) -> Any:
    """What rows are compared by: an instant, a number, or the bytes."""
    stamp = date_time_of(data)
    instant = None if stamp is None else stamp.utc(zone=UTC)
    if instant is not None:
        return instant
    return whole_number(data, "range limit") if data.kind in INTEGERS else bytes(data.value or b"")
