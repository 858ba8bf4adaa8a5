"""What one reads of a meter: registers in canonical units, clock, profiles, disconnectors, the object list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from protocols.dlms.action import Method
from protocols.dlms.buffer import NullMeans, Row, rows_of
from protocols.dlms.client import DlmsClient
from protocols.dlms.data import Data, Kind, octets
from protocols.dlms.datetimes import CosemDateTime, date_time_of, encode_date_time
from protocols.dlms.exchange_get import value_of
from protocols.dlms.get import Attribute
from protocols.dlms.initiate import Conformance
from protocols.dlms.obis import Obis
from protocols.dlms.objects import (
    Disconnector,
    ObjectEntry,
    RegisterReading,
    ScalerUnit,
    capture_objects_of,
    disconnector_of,
    object_list_of,
    scaler_unit_of,
    whole_number,
)
from protocols.dlms.reader import wrong
from protocols.dlms.selection import CLOCK, CaptureObject, Selection

DATA, REGISTER, PROFILE, CLOCK_CLASS, ASSOCIATION_LN, DISCONNECT_CONTROL = 1, 3, 7, 8, 15, 70
"""Interface classes."""
DISCONNECTOR = Obis("0-0:96.3.10*255")
CURRENT_ASSOCIATION = Obis("0-0:40.0.0*255")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLayout:
    """What a profile's buffer holds; read once, used for every reading of it."""

    obis: Obis
    columns: tuple[CaptureObject, ...]
    period_s: int
    """0 when rows are captured on events."""

    @property
    def clock(self) -> int | None:
        """Which column is the time stamp."""
        for i, column in enumerate(self.columns):
            if column.class_id == CLOCK_CLASS and column.attribute == 2:
                return i
        return None


async def read_values(client: DlmsClient, attributes: Sequence[Attribute]) -> list[Data]:
    """All of these, by one request where the meter has agreed to lists.

    Raises:
        AccessRefused: One of them is refused.
    """
    if len(attributes) > 1:
        await client.connect()
        if Conformance.MULTIPLE_REFERENCES in client.granted.conformance:
            results = await client.get_many(attributes)
            return [value_of(result, str(attribute)) for result, attribute in zip(results, attributes, strict=True)]
    return [await client.get(attribute) for attribute in attributes]


async def read_register(
    client: DlmsClient, obis: Obis, *, scaler_unit: ScalerUnit | None = None, class_id: int = REGISTER
) -> RegisterReading:
    """A register's value; with ``scaler_unit`` known from an earlier reading, by half the bytes.

    Raises:
        AccessRefused: The meter has no such register, or does not give it.
        DecodeError: It is no number with a scaler and a unit.
    """
    value = Attribute(class_id=class_id, obis=obis, attribute=2)
    if scaler_unit is not None:
        return RegisterReading(raw=await client.get(value), scaler_unit=scaler_unit)
    raw, scale = await read_values(client, (value, Attribute(class_id=class_id, obis=obis, attribute=3)))
    return RegisterReading(raw=raw, scaler_unit=scaler_unit_of(scale))


async def read_clock(client: DlmsClient, obis: Obis = CLOCK) -> CosemDateTime:
    """The meter's own time.

    Raises:
        DecodeError: The clock gives no date-time.
    """
    found = date_time_of(await client.get(Attribute(class_id=CLOCK_CLASS, obis=obis, attribute=2)))
    if found is None:
        raise wrong(f"clock {obis} gives no date-time")
    return found


async def set_clock(client: DlmsClient, when: datetime, *, obis: Obis = CLOCK, deviation_sign: int = 1) -> None:
    """Sets the meter's time. How far it may be moved is the caller's decision.

    Raises:
        AccessRefused: The meter does not take it.
    """
    value = octets(encode_date_time(when, deviation_sign=deviation_sign))
    await client.set(Attribute(class_id=CLOCK_CLASS, obis=obis, attribute=2), value)


async def read_layout(client: DlmsClient, obis: Obis) -> ProfileLayout:
    """Columns and period of a profile.

    Raises:
        AccessRefused: The meter has no such profile.
        DecodeError: It is none.
    """
    wanted = [Attribute(class_id=PROFILE, obis=obis, attribute=number) for number in (3, 4)]
    columns, period = await read_values(client, wanted)
    return ProfileLayout(obis=obis, columns=capture_objects_of(columns), period_s=whole_number(period, "capture period"))


async def read_profile(
    client: DlmsClient, layout: ProfileLayout, selection: Selection | None = None, *, null_means: NullMeans = NullMeans.UNCHANGED
) -> tuple[Row, ...]:
    """Rows of a profile, all columns; ``selection`` by ``selection.by_time`` or ``by_entry`` without a choice of columns.

    Raises:
        AccessRefused: The meter does not give them.
        DecodeError: A row does not have the layout's columns.
    """
    buffer = await client.get(Attribute(class_id=PROFILE, obis=layout.obis, attribute=2, selection=selection))
    return rows_of(buffer, columns=len(layout.columns), clock=layout.clock, period_s=layout.period_s, null_means=null_means)


async def read_object_list(client: DlmsClient) -> tuple[ObjectEntry, ...]:
    """Every object this client may see.

    Raises:
        DecodeError: The meter's list is none.
    """
    return object_list_of(await client.get(Attribute(class_id=ASSOCIATION_LN, obis=CURRENT_ASSOCIATION, attribute=2)))


async def read_disconnector(client: DlmsClient, obis: Obis = DISCONNECTOR) -> Disconnector:
    """State of a disconnect control.

    Raises:
        AccessRefused: The meter has none.
    """
    wanted = [Attribute(class_id=DISCONNECT_CONTROL, obis=obis, attribute=number) for number in (2, 3)]
    output, state = await read_values(client, wanted)
    return disconnector_of(output, state)


async def disconnect(client: DlmsClient, obis: Obis = DISCONNECTOR) -> None:
    """remote_disconnect. Whether the supply is off, only ``read_disconnector`` says.

    Raises:
        AccessRefused: The meter does not do it.
    """
    await client.action(Method(class_id=DISCONNECT_CONTROL, obis=obis, method=1), Data(Kind.INTEGER, 0))


async def reconnect(client: DlmsClient, obis: Obis = DISCONNECTOR) -> None:
    """remote_reconnect. Whether the supply is on, only ``read_disconnector`` says.

    Raises:
        AccessRefused: The meter does not do it.
    """
    await client.action(Method(class_id=DISCONNECT_CONTROL, obis=obis, method=2), Data(Kind.INTEGER, 0))


async def read_invocation_counter(client: DlmsClient, obis: Obis) -> int:
    """The counter that the meter saw last, read as public client from 0-0:43.1.n*255, before a first association with keys.

    Raises:
        AccessRefused: The meter does not show it.
    """
    return whole_number(await client.get(Attribute(class_id=DATA, obis=obis, attribute=2)), "invocation counter")
