"""One table of a site's TOML files at a time, into the domain's words."""

from __future__ import annotations

from datetime import date, time

from domain.assets import Actuator, Channel, DaySchedule, Device, Gateway
from domain.calendar import Calendar, DayClass
from domain.errors import UnitError
from domain.factors import Factor, LeakFactors
from domain.points import Point, PointKey, PointKind, Role
from domain.quantities import Quantity, resolution_in_canonical
from domain.tables import Table
from domain.zones import BoundaryValve, Inlet, Zone, ZoneKind


def parse_site(table: Table) -> tuple[str, dict[str, str], Calendar, str | None]:
    """Key, names, calendar and network file of the site."""
    table.only("site", "calendar", "network", "factors")
    site, calendar, network = table.table("site"), table.table("calendar"), table.table("network")
    site.only("key", "names", "timezone")
    calendar.only("ramadan", "holidays")
    network.only("file")
    return (
        site.text("key"),
        site.mapping("names"),
        Calendar(
            timezone=_timezone(site),
            ramadan=_spans(calendar, "ramadan"),
            holidays=frozenset(calendar.day("holidays", d) for d in calendar.data.get("holidays", [])),
        ),
        network.text("file", None),
    )


_FACTORS = ("water", "energy", "carbon", "survey")


def parse_factors(table: Table) -> LeakFactors:
    """``[factors]``: water, energy, carbon and survey, each with unit, year and source; what is absent is None."""
    factors = table.table("factors")
    factors.only(*_FACTORS)
    return LeakFactors(**{name: _factor(factors.table(name)) for name in _FACTORS if name in factors.data})


def _factor(table: Table) -> Factor:
    table.only("value", "unit", "year", "source")
    return Factor(
        value=table.number("value", low=0),
        unit=table.text("unit"),
        year=table.integer("year", low=1990),
        source=table.text("source"),
    )


def _timezone(site: Table) -> str:
    name: str = site.text("timezone", "Africa/Casablanca")
    try:
        Calendar(timezone=name).zone  # noqa: B018  (looking it up is the check)
    except (KeyError, ValueError, OSError):
        raise site.wrong("timezone", name, "a name of the IANA time zone database, such as Africa/Casablanca") from None
    return name


def _spans(table: Table, key: str) -> tuple[tuple[date, date], ...]:
    spans = []
    for value in table.data.get(key, []):
        if not isinstance(value, list) or len(value) != 2:
            raise table.wrong(key, value, "pairs [first day, last day]")
        first, last = (table.day(key, v) for v in value)
        if last < first:
            raise table.wrong(key, value, "a last day not before the first")
        spans.append((first, last))
    return tuple(spans)


def parse_zone(table: Table) -> Zone:
    """A ``[[zone]]``."""
    table.only(
        "key", "kind", "names", "parent", "inlets", "critical_points", "min_pressure_m",
        "connections", "population", "mains_km", "night_use_m3h", "lat", "lon",
    )  # fmt: skip
    lat, lon = table.number("lat", None, low=-90, high=90), table.number("lon", None, low=-180, high=180)
    if (lat is None) != (lon is None):
        raise table.wrong("lat" if lat is None else "lon", None, "lat and lon together, in degrees of WGS 84, or neither")
    return Zone(
        key=table.text("key"),
        kind=table.word("kind", ZoneKind),
        names=table.mapping("names"),
        parent=table.text("parent", None),
        inlets=tuple(_inlet(t) for t in table.tables("inlets")),
        critical_points=tuple(PointKey(p) for p in table.texts("critical_points")),
        min_pressure_m=table.number("min_pressure_m", 20.0, low=0, high=200),
        connections=table.integer("connections", 0),
        population=table.integer("population", 0),
        mains_km=table.number("mains_km", 0.0, low=0),
        night_use_m3h=table.number("night_use_m3h", 0.0, low=0),
        lat=lat,
        lon=lon,
    )


def parse_boundary_valve(table: Table) -> BoundaryValve:
    """A ``[[boundary_valve]]``."""
    table.only("zones")
    zones = sorted(table.texts("zones"))
    if len(zones) != 2 or zones[0] == zones[1]:
        raise table.wrong("zones", table.data.get("zones"), 'the keys of two different zones, for example ["medina", "plateau"]')
    return BoundaryValve(zones=(zones[0], zones[1]))


def _inlet(table: Table) -> Inlet:
    table.only("point", "sign")
    sign = table.data.get("sign", 1)
    if sign not in (1, -1):
        raise table.wrong("sign", sign, "1 for water entering the zone, -1 for water leaving it")
    return Inlet(point=PointKey(table.text("point")), sign=int(sign))


def parse_point(table: Table) -> Point:
    """A ``[[point]]``."""
    table.only("key", "quantity", "kind", "role", "resolution", "unit", "zone", "low", "high", "period_s", "node", "x", "y")
    quantity: Quantity = table.word("quantity", Quantity)
    unit = table.unit("unit", quantity)
    step = table.decimal("resolution")
    try:
        resolution = resolution_in_canonical(step, unit)
    except UnitError as error:
        raise table.wrong("resolution", str(step), str(error)) from None
    return Point(
        key=PointKey(table.text("key")),
        quantity=quantity,
        kind=table.word("kind", PointKind, PointKind.INSTANT),
        role=table.word("role", Role, Role.OTHER),
        resolution=resolution,
        zone=table.text("zone", None),
        low=table.number("low", None),
        high=table.number("high", None),
        period_s=table.integer("period_s", 60, low=1),
        node=table.text("node", None),
        x=table.number("x", None),
        y=table.number("y", None),
    )


def parse_gateway(table: Table) -> Gateway:
    """A ``[[gateway]]``."""
    table.only("node", "group", "name")
    for key in ("node", "group"):
        value = table.text(key)
        if any(c in value for c in "/+#"):
            raise table.wrong(key, value, "a Sparkplug id without '/', '+' or '#'")
    return Gateway(node=table.text("node"), group=table.text("group"), name=table.text("name", table.text("node")))


def parse_device(table: Table) -> Device:
    """A ``[[device]]``."""
    table.only("key", "gateway", "model", "host", "port", "unit_id", "period_s", "channels")
    key = table.text("key")
    channels = tuple(Channel(device=key, field=field, point=PointKey(point)) for field, point in table.mapping("channels").items())
    return Device(
        key=key,
        gateway=table.text("gateway"),
        model=table.text("model"),
        host=table.text("host", "127.0.0.1"),
        port=table.integer("port", 502, low=1),
        unit_id=table.integer("unit_id", 1, low=0),
        period_s=table.integer("period_s", 60, low=1),
        channels=channels,
    )


def parse_actuator(table: Table) -> Actuator:
    """An ``[[actuator]]``; its limits must be in order: min <= safe <= max."""
    table.only(
        "key", "device", "field", "zone", "min_m", "max_m", "safe_m", "ramp_up_m", "ramp_down_m", "min_interval_s",
        "lease_s", "setpoint", "outlet_pressure", "inlet_pressure", "flow", "ramp_up_emergency_m", "max_moves_per_day", "schedule",
    )  # fmt: skip
    low = table.number("min_m", low=0)
    high = table.number("max_m", low=low, high=250)
    inlet = table.text("inlet_pressure", None)
    return Actuator(
        key=table.text("key"),
        device=table.text("device"),
        field=table.text("field", "setpoint_m"),
        zone=table.text("zone"),
        min_m=low,
        max_m=high,
        safe_m=table.number("safe_m", low=low, high=high),
        ramp_up_m=table.number("ramp_up_m", 2.0, low=0.1, high=20),
        ramp_down_m=table.number("ramp_down_m", 1.0, low=0.1, high=20),
        min_interval_s=table.number("min_interval_s", 240.0, low=1),
        lease_s=table.number("lease_s", 1800.0, low=60),
        ramp_up_emergency_m=table.number("ramp_up_emergency_m", 5.0, low=0.1, high=20),
        max_moves_per_day=table.integer("max_moves_per_day", 48, low=1),
        setpoint=PointKey(table.text("setpoint")),
        outlet_pressure=PointKey(table.text("outlet_pressure")),
        inlet_pressure=PointKey(inlet) if inlet else None,
        flow=PointKey(table.text("flow")),
        schedule=_schedule(table.table("schedule"), low, high),
    )


_OTHER_DAYS = "other"


def _schedule(table: Table, low: float, high: float) -> tuple[DaySchedule, ...]:
    """``[actuator.schedule.<class of day>]`` with lines ``"05:30" = 34.0``; ``other``, every class not named, must be there."""
    table.only(*DayClass, _OTHER_DAYS)
    if table.data and _OTHER_DAYS not in table.data:
        raise table.wrong(_OTHER_DAYS, None, "a table of hours for the days without their own: [actuator.schedule.other]")
    return tuple(
        DaySchedule(day_class=None if name == _OTHER_DAYS else DayClass(name), steps=_hours(table.table(name), low, high))
        for name in table.data
    )


def _hours(table: Table, low: float, high: float) -> tuple[tuple[int, float], ...]:
    steps = []
    for hour in table.data:
        try:
            begins = time.fromisoformat(hour)
        except ValueError:
            raise table.wrong(hour, table.data[hour], 'an hour of the local day such as "05:30" = 34.0') from None
        steps.append((begins.hour * 60 + begins.minute, table.number(hour, low=low, high=high)))
    if not steps:
        raise table.wrong("", None, 'at least one line such as "00:00" = 30.0')
    return tuple(sorted(steps))
