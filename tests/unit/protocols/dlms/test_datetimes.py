from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from protocols.dlms.data import Data, Kind, octets
from protocols.dlms.datetimes import date_time_of, encode_date_time, parse_date_time
from protocols.dlms.obis import Obis

OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=OFFSETS))
def test_an_instant_comes_back_to_the_hundredth(when: datetime) -> None:
    when = when.replace(microsecond=when.microsecond // 10_000 * 10_000)
    assert parse_date_time(encode_date_time(when)).utc() == when
    assert parse_date_time(encode_date_time(when, deviation_sign=-1)).utc(deviation_sign=-1) == when


def test_deviation_runs_from_local_to_utc() -> None:
    parsed = parse_date_time(bytes.fromhex("07EA0B15060D1E00FFFFC400"))
    assert parsed.utc() == datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
    assert (parsed.weekday, parsed.hundredths, parsed.deviation_min) == (6, None, -60)


def test_without_deviation_the_zone_decides_and_the_status_tells_the_hours_twice_lived() -> None:
    paris = ZoneInfo("Europe/Paris")
    winter = parse_date_time(bytes.fromhex("07EA0A1907021E00FF800000"))
    summer = parse_date_time(bytes.fromhex("07EA0A1907021E00FF800080"))
    assert winter.utc() is None
    assert winter.utc(zone=paris) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert summer.utc(zone=paris) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw", ["FFFF0B15060D1E00FFFFC400", "07EA0D15060D1E00FFFFC400", "07EA0B15060DFF00FFFFC400", "07EA0B15060D1E007F7FFF00"]
)
def test_what_is_no_instant_is_none(raw: str) -> None:
    assert parse_date_time(bytes.fromhex(raw)).utc() is None


@given(st.binary(min_size=12, max_size=12))
def test_any_twelve_bytes_are_a_date_time(raw: bytes) -> None:
    parse_date_time(raw).utc()


def test_eleven_bytes_are_none() -> None:
    with pytest.raises(DecodeError):
        parse_date_time(b"12345678901")
    assert date_time_of(octets(b"short")) is None
    assert date_time_of(Data(Kind.DOUBLE_LONG, 5)) is None
    with pytest.raises(ValueError, match="no time zone"):
        encode_date_time(datetime(2026, 1, 1))


def test_obis_forms() -> None:
    for text in ("1-0:1.8.0*255", "1.0.1.8.0.255", "1-0:1.8.0"):
        assert Obis(text) == bytes((1, 0, 1, 8, 0, 255))
    assert str(Obis(bytes(range(6)))) == "0-1:2.3.4*5"
    for text in ("1.8.0", "1-0:1.8.256", "x"):
        with pytest.raises(ValueError, match="no OBIS"):
            Obis(text)
