"""A kind of meter: which objects it has, what they mean as points, and samples that prove it. Out of a TOML file, pure.

    protocol = "dlms"
    name, description, clock, invocation_counter, disconnect, token_gateway
    [profile]  obis, period_s, null_means
    [[field]]  name, obis, class, attribute, scaler_unit, quantity, scaler, unit, bit, profile, low, high, description
    [[sample]] field, value (hex), scaler_unit (hex), expect

Scaler and unit are the meter's own, read once, unless the field states them (a data object of class 1 has none). Their unit must
measure the quantity that the field promises: a meter that counts something else is an error, never a wrong number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import ConfigurationError, DecodeError
from domain.quantities import Quantity
from domain.tables import Table
from protocols.dlms import data as axdr
from protocols.dlms.buffer import NullMeans
from protocols.dlms.data import Data, Kind
from protocols.dlms.get import Attribute
from protocols.dlms.obis import Obis
from protocols.dlms.objects import ScalerUnit, scaler_unit_of, whole_number
from protocols.dlms.reader import wrong
from protocols.dlms.units import SYMBOLS

_SCALER_ATTRIBUTE = {3: 3, 4: 3, 5: 4}
"""Where an interface class keeps scaler and unit: register, extended register, demand register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterField:
    """One number of a meter."""

    name: str
    """Also the Sparkplug metric name; ends in the suffix of its canonical unit where the house has the quantity."""
    attribute: Attribute
    quantity: Quantity | None
    """None where the house has no such quantity (volts): the value is then in ``unit``."""
    unit: str
    """Canonical unit of ``quantity``, else the meter's own."""
    fixed: ScalerUnit | None = None
    """Scaler and unit where the meter states none."""
    bit: int | None = None
    """Which bit of a number or bit string is the value, 0 or 1."""
    in_profile: bool = False
    """Whether the load profile has it as a column."""
    low: float | None = None
    high: float | None = None
    description: str = ""

    @property
    def scaler_unit(self) -> Attribute | None:
        """Where the meter says scaler and unit; None where nobody needs to ask."""
        number = _SCALER_ATTRIBUTE.get(self.attribute.class_id)
        if self.fixed is not None or self.bit is not None or number is None or self.attribute.attribute != 2:
            return None
        return Attribute(class_id=self.attribute.class_id, obis=self.attribute.obis, attribute=number)

    def value(self, data: Data, scaler_unit: ScalerUnit | None = None) -> float | None:
        """The number in the canonical unit (else in ``unit``); None where the meter has no value.

        Raises:
            DecodeError: The data are no such number, or in a unit that does not measure the quantity.
        """
        if data.kind is Kind.NULL:
            return None
        if self.bit is not None:
            return _bit(data, self.bit, self.name)
        if data.kind is Kind.BOOLEAN:
            return float(data.value)
        found = self.fixed or scaler_unit or ScalerUnit()
        if self.quantity is None:
            if found.symbol != self.unit:
                raise wrong(f"{self.name}: the meter counts in {found.symbol!r}, {self.unit!r} was expected")
            return found.value(data)
        if found.quantity is not self.quantity:
            raise wrong(f"{self.name}: the meter counts in {found.symbol!r}, which does not measure {self.quantity.value}")
        return found.canonical(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileModel:
    """The load profile that fills gaps."""

    obis: Obis
    period_s: int
    """Usual capture period; the meter's own word is asked for."""
    null_means: NullMeans = NullMeans.UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterModel:
    """One kind of meter."""

    name: str
    description: str = ""
    fields: tuple[MeterField, ...]
    profile: ProfileModel | None = None
    clock: Obis | None = None
    invocation_counter: Obis | None = None
    """Where a public client may read the last counter of the management client."""
    disconnect: Obis | None = None
    """Disconnect control (class 70)."""
    token_gateway: Obis | None = None
    """Token gateway (class 115)."""

    def field(self, name: str) -> MeterField:
        """The field of this name.

        Raises:
            ConfigurationError: The model has no such field; the message lists those it has.
        """
        for found in self.fields:
            if found.name == name:
                return found
        known = ", ".join(f.name for f in self.fields)
        raise ConfigurationError(file=f"{self.name}.toml", key="field", value=name, expected=f"a field of the model: {known}")


def parse_meter_model(document: Mapping[str, Any], file: str) -> MeterModel:
    """The model a parsed TOML document describes, its samples checked.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    table = Table.root(file, document)
    table.only(
        "protocol", "name", "description", "clock", "invocation_counter", "disconnect", "token_gateway",
        "profile", "field", "sample",
    )  # fmt: skip
    if document.get("protocol") != "dlms":
        raise table.wrong("protocol", document.get("protocol"), 'protocol = "dlms"')
    fields = tuple(_field(t) for t in table.tables("field"))
    names = [f.name for f in fields]
    for name in names:
        if names.count(name) > 1:
            raise table.wrong("field.name", name, "a name that no other field has")
    model = MeterModel(
        name=table.text("name"),
        description=table.text("description", ""),
        fields=fields,
        profile=_profile(table.table("profile")) if "profile" in document else None,
        clock=_obis(table, "clock"),
        invocation_counter=_obis(table, "invocation_counter"),
        disconnect=_obis(table, "disconnect"),
        token_gateway=_obis(table, "token_gateway"),
    )
    if model.profile is None and (inside := [f.name for f in fields if f.in_profile]):
        raise table.wrong("field.profile", inside[0], "a [profile] for it")
    for sample in table.tables("sample"):
        _check(model, sample)
    return model


def _field(table: Table) -> MeterField:
    table.only(
        "name", "obis", "class", "attribute", "quantity", "scaler", "unit", "bit", "profile", "low", "high", "description"
    )  # fmt: skip
    quantity = table.word("quantity", Quantity) if "quantity" in table.data else None
    name, unit = table.text("name"), table.text("unit", None)
    if quantity is not None and not name.endswith(quantity.suffix):
        raise table.wrong("name", name, f"a name that ends in {quantity.suffix}")
    if quantity is None and unit is None and "bit" not in table.data:
        raise table.wrong("quantity", None, "a quantity, or the unit where the house has no such quantity")
    obis = _obis(table, "obis")
    if obis is None:
        raise table.wrong("obis", None, "an OBIS code such as 8-0:1.0.0*255")
    in_profile = table.data.get("profile", False)
    if not isinstance(in_profile, bool):
        raise table.wrong("profile", in_profile, "true or false")
    return MeterField(
        name=name,
        attribute=Attribute(class_id=table.integer("class", 3, low=1), obis=obis, attribute=table.integer("attribute", 2, low=1)),
        quantity=quantity if quantity is not None or "bit" not in table.data else Quantity.STATE,
        unit=unit or "" if quantity is None else quantity.unit,
        fixed=_fixed(table, unit) if "scaler" in table.data else _stateless(table, quantity),
        bit=table.integer("bit", None),
        in_profile=in_profile,
        low=table.number("low", None),
        high=table.number("high", None),
        description=table.text("description", ""),
    )


def _stateless(table: Table, quantity: Quantity | None) -> ScalerUnit | None:
    """A state is a plain number wherever it stands."""
    return ScalerUnit() if quantity is Quantity.STATE and table.data.get("class", 3) not in _SCALER_ATTRIBUTE else None


def _fixed(table: Table, unit: str | None) -> ScalerUnit:
    scaler = table.data["scaler"]
    codes = {text: code for code, text in SYMBOLS.items()}
    if not isinstance(scaler, int) or not -30 <= scaler <= 30:
        raise table.wrong("scaler", scaler, "a whole number from -30 to 30: value = number x 10^scaler")
    if unit is None or unit not in codes:
        raise table.wrong("unit", unit, "the unit beside a scaler, as in " + ", ".join(filter(None, list(codes)[:40])))
    return ScalerUnit(scaler=scaler, unit=codes[unit])


def _profile(table: Table) -> ProfileModel:
    table.only("obis", "period_s", "null_means")
    obis = _obis(table, "obis")
    if obis is None:
        raise table.wrong("obis", None, "the profile's OBIS code, such as 1-0:99.1.0*255")
    return ProfileModel(
        obis=obis, period_s=table.integer("period_s", low=1), null_means=table.word("null_means", NullMeans, NullMeans.UNCHANGED)
    )


def _obis(table: Table, key: str) -> Obis | None:
    text = table.text(key, None)
    if text is None:
        return None
    try:
        return Obis(text)
    except ValueError as error:
        raise table.wrong(key, text, str(error)) from None


def _check(model: MeterModel, table: Table) -> None:
    """Reads a sample with the field it is of, as it would be read off a meter."""
    table.only("field", "value", "scaler_unit", "expect")
    field, expected = model.field(table.text("field")), table.data.get("expect")
    scale = table.text("scaler_unit", None)
    try:
        stated = None if scale is None else scaler_unit_of(axdr.decode(bytes.fromhex(scale)))
        value = field.value(axdr.decode(bytes.fromhex(table.text("value"))), stated)
    except (ValueError, DecodeError) as error:
        raise table.wrong("value", table.data["value"], f"hexadecimal data that {field.name} reads ({error})") from None
    if value != (None if expected == "none" else expected):
        raise table.wrong("expect", expected, f"what the sample reads as: {'none' if value is None else value}")


def _bit(data: Data, bit: int, name: str) -> float:
    if data.kind is Kind.BIT_STRING:
        if bit >= len(data.value):
            raise wrong(f"{name}: bit {bit} of {len(data.value)}")
        return float(data.value[bit] == "1")
    if data.kind is Kind.OCTET_STRING:
        number, width = int.from_bytes(data.value, "big"), 8 * len(data.value)
    else:
        number, width = whole_number(data, name), 64
    if bit >= width:
        raise wrong(f"{name}: bit {bit} of {width}")
    return float(number >> bit & 1)
