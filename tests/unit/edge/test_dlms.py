"""The pure half of the gateway's way with DLMS meters: settings, clocks, windows, rows, what forbids asking again."""

from __future__ import annotations

import itertools
import tomllib
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError, DeviceTimeout
from domain.readings import Quality
from domain.tables import Table
from edge.device_settings import parse_device
from edge.dlms_clock import ClockState, judge_clock
from edge.dlms_quarantine import quarantine_reason
from edge.dlms_rows import Taken, columns_of, take_rows, windows
from edge.dlms_settings import Access, DlmsSettings, Framing, parse_dlms
from protocols.dlms.acse import AssociationResponse, refused
from protocols.dlms.buffer import Row
from protocols.dlms.data import Data, Kind, octets
from protocols.dlms.datetimes import encode_date_time, parse_date_time
from protocols.dlms.errors import CounterExhausted, SecurityFailed, Trouble, access_refused
from protocols.dlms.models import load_meter_model
from protocols.dlms.objects import ScalerUnit
from protocols.dlms.profile import ProfileLayout
from protocols.dlms.selection import CLOCK_TIME, CaptureObject

NOW = datetime(2026, 3, 20, 10, 5, tzinfo=UTC)
MODEL = load_meter_model("dlms_water_meter")
VOLUME = MODEL.field("volume_m3")
LITRES = ScalerUnit(scaler=-3, unit=13)


def dlms(**values: object) -> DlmsSettings:
    return parse_dlms(Table.root("edge.toml", values), Path("/etc/khettara"))


def test_a_meter_with_keys() -> None:
    found = dlms(client=1, server=17, access="gmac", system_title="KHT00001", keys_file="keys/m.toml", timezone="Africa/Casablanca")
    assert (found.client, found.server, found.access, found.ciphered) == (1, 17, Access.GMAC, True)
    assert found.keys_file == Path("/etc/khettara/keys/m.toml")
    assert dlms(system_title="4B48543030303031").system_title == b"KHT00001"
    assert dlms(framing="hdlc", physical=17).framing is Framing.HDLC
    assert dlms() == DlmsSettings()


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"access": "lls"}, "keys_file"),
        ({"access": "gmac", "keys_file": "x"}, "system_title"),
        ({"access": "gmax"}, "did you mean 'gmac'"),
        ({"suite": 3}, "0, 1 or 2"),
        ({"client": 20_000}, "16383"),
        ({"system_title": "short"}, "eight characters"),
        ({"timezone": "Africa/Nowhere"}, "IANA"),
        ({"deviation_sign": 2}, "-1"),
        ({"profile": 1}, "true or false"),
        ({"clock_tolerance_s": 100, "clock_limit_s": 50}, ">= 100"),
        ({"clockset": True}, "did you mean"),
    ],
)
def test_what_cannot_be_is_said(values: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        dlms(**values)


def test_a_device_is_a_meter_by_its_model() -> None:
    device = {"key": "m", "model": "dlms_water_meter", "host": "h"}
    assert parse_device(Table.root("edge.toml", device), {}).port == 4059
    with pytest.raises(ConfigurationError, match="begins with dlms_"):
        parse_device(Table.root("edge.toml", {**device, "model": "generic_flowmeter", "dlms": {}}), {})
    with pytest.raises(ConfigurationError, match="no such key for a DLMS meter"):
        parse_device(Table.root("edge.toml", {**device, "report": {}}), {})


@pytest.mark.parametrize(
    ("drift_s", "state", "set_now"),
    [
        (None, ClockState.UNKNOWN, False),
        (29.0, ClockState.RIGHT, False),
        (-31.0, ClockState.DRIFTING, True),
        (600.0, ClockState.DRIFTING, True),
        (-601.0, ClockState.OFF, False),
    ],
)
def test_clocks(drift_s: float | None, state: ClockState, set_now: bool) -> None:
    verdict = judge_clock(drift_s, DlmsSettings(clock_set=True), doubtful=False)
    assert (verdict.state, verdict.set_now) == (state, set_now)
    assert not judge_clock(drift_s, DlmsSettings(), doubtful=False).set_now
    assert verdict.trusted is (state is not ClockState.OFF)


def test_a_doubtful_clock_is_set_though_it_seems_right() -> None:
    assert judge_clock(0.0, DlmsSettings(clock_set=True), doubtful=True).set_now


@given(st.integers(0, 10**7), st.integers(60, 86_400))
def test_windows_cover_everything_from_the_cursor_on_without_a_hole(ago_s: int, period_s: int) -> None:
    cursor_ms = int(NOW.timestamp() * 1000) - ago_s * 1000
    found = list(windows(cursor_ms, NOW, backfill_days=40.0, period_s=period_s))
    assert found[-1][1] >= NOW
    assert found[0][0] <= max(datetime.fromtimestamp(cursor_ms / 1000, UTC), NOW - timedelta(days=40))
    for (_, end), (start, _) in itertools.pairwise(found):
        assert start == end


def row(moment: datetime | None, litres: int, status: int = 0) -> Row:
    stamp = None if moment is None else parse_date_time(encode_date_time(moment, status=status))
    cell = Data(Kind.NULL) if moment is None else octets(encode_date_time(moment))
    return Row(time=stamp, cells=(cell, Data(Kind.DOUBLE_LONG_UNSIGNED, litres)))


def taken(
    rows: list[Row], *, after: datetime | None = None, now: datetime = NOW, zone: tzinfo | None = None, trusted: bool = True
) -> Taken:
    return take_rows(
        rows,
        device="m",
        columns={"volume_m3": (1, VOLUME, LITRES)},
        after_ms=0 if after is None else int(after.timestamp() * 1000),
        now=now,
        zone=zone,
        deviation_sign=1,
        trusted=trusted,
    )


def test_rows_become_readings_in_the_order_of_time() -> None:
    hours = [NOW.replace(minute=0) - timedelta(hours=h) for h in range(4)]
    found = taken([row(h, 1000 + i) for i, h in enumerate(hours)], after=hours[3])
    assert [r.value for r in found.readings] == [1.002, 1.001, 1.0]
    assert found.cursor_ms == int(hours[0].timestamp() * 1000)
    assert (found.rows, found.ahead, found.untimed) == (3, 0, 0)


def test_rows_of_no_time_and_of_the_future_are_left_and_counted() -> None:
    found = taken([row(None, 1), row(NOW + timedelta(days=1), 2), row(NOW - timedelta(hours=1), 3)])
    assert [r.value for r in found.readings] == [0.003]
    assert (found.rows, found.ahead, found.untimed) == (1, 1, 1)
    assert found.cursor_ms == int((NOW - timedelta(hours=1)).timestamp() * 1000)
    nothing = taken([row(NOW + timedelta(days=1), 2)], after=NOW)
    assert nothing.cursor_ms == int(NOW.timestamp() * 1000)


def test_a_clock_in_doubt_marks_its_rows() -> None:
    moment = NOW - timedelta(hours=1)
    assert [r.quality for r in taken([row(moment, 1)]).readings] == [Quality.GOOD]
    assert [r.quality for r in taken([row(moment, 1, status=2)]).readings] == [Quality.CLOCK]
    assert [r.quality for r in taken([row(moment, 1)], trusted=False).readings] == [Quality.CLOCK]


def test_local_time_without_deviation_takes_the_zone() -> None:
    local = datetime(2026, 7, 1, 12, 0, tzinfo=ZoneInfo("Africa/Casablanca"))
    raw = bytearray(encode_date_time(local))
    raw[9:11] = b"\x80\x00"
    shown = Row(time=parse_date_time(bytes(raw)), cells=(octets(bytes(raw)), Data(Kind.DOUBLE_LONG_UNSIGNED, 1)))
    later, zone = local + timedelta(hours=1), ZoneInfo("Africa/Casablanca")
    assert taken([shown], now=later, zone=zone).cursor_ms == int(local.timestamp() * 1000)
    assert taken([shown], now=later).untimed == 1


def test_columns_are_found_by_their_object() -> None:
    columns = (CLOCK_TIME, CaptureObject(class_id=3, obis=VOLUME.attribute.obis, attribute=2))
    layout = ProfileLayout(obis=VOLUME.attribute.obis, columns=columns, period_s=3600)
    assert columns_of(layout, [VOLUME, MODEL.field("flow_m3h")]) == {"volume_m3": 1}


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (refused(AssociationResponse(result=1, diagnostic=13), "association"), "credentials"),
        (refused(AssociationResponse(result=2, diagnostic=13), "association"), "locked"),
        (refused(AssociationResponse(result=2, diagnostic=1), "association"), None),
        (refused(AssociationResponse(result=1, diagnostic=2), "association"), None),
        (SecurityFailed("x"), "not_authentic"),
        (CounterExhausted("x"), "counter_exhausted"),
        (ConfigurationError(file="f", key="k", value=1, expected="e"), "keys"),
        (DeviceTimeout("x"), None),
        (access_refused(2, "GET"), None),
    ],
)
def test_what_forbids_asking_again(error: Exception, word: str | None) -> None:
    assert quarantine_reason(error) == word


def test_busy_is_told_from_locked() -> None:
    assert refused(AssociationResponse(result=2, diagnostic=1), "x").trouble is Trouble.BUSY
    assert refused(AssociationResponse(result=2, diagnostic=1), "x").retryable


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('serial = "/dev/ttyS1"', "framing"),
        ('serial = "/dev/ttyS1"\nframing = "hdlc"\nbaud = 9601', "baud"),
    ],
)
def test_what_cannot_be_on_a_serial_port_is_named(lines: str, key: str) -> None:
    document = tomllib.loads(f'[[device]]\nkey = "m"\nmodel = "dlms_water_meter"\n[device.dlms]\n{lines}\n')
    (table,) = Table.root("edge.toml", document).tables("device")
    with pytest.raises(ConfigurationError, match=key):
        parse_device(table, {})


def test_meters_of_one_serial_port_share_its_queue() -> None:
    text = '[[device]]\nkey = "m"\nmodel = "dlms_water_meter"\n[device.dlms]\nserial = "/dev/ttyS1"\nframing = "hdlc"\n'
    (table,) = Table.root("edge.toml", tomllib.loads(text)).tables("device")
    found = parse_device(table, {})
    assert (found.host, found.port) == ("/dev/ttyS1", 0)
