"""Meter models out of TOML, wrapped keys, prepayment values."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import protocols.dlms
from domain.errors import ConfigurationError, DecodeError
from domain.quantities import Quantity
from protocols.dlms.data import Data, Kind, array, octets, structure
from protocols.dlms.keyring import MeterSecrets, counter_name, new_kek, parse_kek, unwrap, wrap
from protocols.dlms.model import parse_meter_model
from protocols.dlms.models import load_meter_model, meter_model_names
from protocols.dlms.objects import ScalerUnit
from protocols.dlms.prepayment import TokenStatus, account_of, charge_of, credit_of, token_data, token_status_of
from protocols.dlms.server_prepayment import Purse, make_token

FOLDER = Path(protocols.dlms.__file__).parent.parent / "device_models"
GOOD = """
protocol = "dlms"
name = "dlms_mine"
[profile]
obis = "8-0:99.1.0*255"
period_s = 3600
[[field]]
name = "volume_m3"
obis = "8-0:1.0.0*255"
quantity = "volume"
profile = true
[[field]]
name = "leak"
obis = "0-0:97.98.0*255"
class = 1
bit = 3
[[field]]
name = "index_m3"
obis = "0-0:96.1.5*255"
class = 1
quantity = "volume"
scaler = -2
unit = "m3"
"""


def test_every_model_is_found_by_its_own_name_and_has_samples() -> None:
    names = meter_model_names()
    assert {"dlms_water_meter", "dlms_electricity_meter", "dlms_prepaid_water_meter"} <= set(names)
    for name in names:
        assert load_meter_model(name).name == name
        assert tomllib.loads((FOLDER / f"{name}.toml").read_text())["sample"]


def test_a_sites_own_folder_goes_first(tmp_path: Path) -> None:
    (tmp_path / "dlms_mine.toml").write_text(GOOD)
    assert len(load_meter_model("dlms_mine", tmp_path).fields) == 3
    with pytest.raises(ConfigurationError, match="did you mean 'dlms_water_meter'"):
        load_meter_model("dlms_watermeter")


def test_fields_read_numbers_bits_and_their_own_scalers() -> None:
    model = parse_meter_model(tomllib.loads(GOOD), "dlms_mine.toml")
    volume, leak, index = model.fields
    u32 = Data(Kind.DOUBLE_LONG_UNSIGNED, 1234)
    assert volume.value(u32, ScalerUnit(scaler=0, unit=19)) == 1.234
    assert volume.value(Data(Kind.NULL)) is None
    assert index.value(u32) == 12.34
    assert index.scaler_unit is None
    assert volume.scaler_unit is not None
    assert (leak.value(Data(Kind.UNSIGNED, 8)), leak.value(Data(Kind.UNSIGNED, 7))) == (1.0, 0.0)
    assert leak.value(octets(b"\x00\x08")) == 1.0
    assert leak.value(Data(Kind.BIT_STRING, "0001")) == 1.0
    for wrong in (Data(Kind.BIT_STRING, "000"), octets(b""), octets(b"\x00" * 0)):
        with pytest.raises(DecodeError):
            leak.value(wrong)
    with pytest.raises(DecodeError, match="does not measure volume"):
        volume.value(u32, ScalerUnit(scaler=0, unit=30))
    volts = load_meter_model("dlms_electricity_meter").field("voltage_l1_v")
    assert volts.value(Data(Kind.LONG_UNSIGNED, 2305), ScalerUnit(scaler=-1, unit=35)) == 230.5
    with pytest.raises(DecodeError, match="'V' was expected"):
        volts.value(u32, ScalerUnit(scaler=0, unit=33))
    assert load_meter_model("dlms_water_meter").field("leak_alarm").quantity is Quantity.STATE


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (('protocol = "dlms"', 'protocol = "modbus"'), 'protocol = "dlms"'),
        (('name = "volume_m3"', 'name = "volume"'), "ends in _m3"),
        (('obis = "8-0:1.0.0*255"', 'obis = "8-0:1.0"'), "is no OBIS code"),
        (("profile = true", "profile = 1"), "true or false"),
        (('name = "leak"', 'name = "volume_m3"'), "no other field"),
        (("scaler = -2", "scaler = -200"), "-30 to 30"),
        (('unit = "m3"', 'unit = "furlong"'), "unit beside a scaler"),
        (('[profile]\nobis = "8-0:99.1.0*255"\nperiod_s = 3600\n', ""), "a \\[profile\\] for it"),
        (("bit = 3", "bits = 3"), "did you mean 'bit'"),
    ],
)
def test_wrong_models_say_what_would_be_right(change: tuple[str, str], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        parse_meter_model(tomllib.loads(GOOD.replace(*change, 1)), "dlms_mine.toml")


@pytest.mark.parametrize("sample", ['value = "06 000004D2"\nexpect = 1', 'value = "zz"\nexpect = 1', 'value = "06 00"\nexpect = 1'])
def test_a_sample_that_reads_otherwise_is_refused(sample: str) -> None:
    text = GOOD + f'[[sample]]\nfield = "index_m3"\n{sample}\n'
    with pytest.raises(ConfigurationError, match="sample"):
        parse_meter_model(tomllib.loads(text), "dlms_mine.toml")


@given(st.binary(min_size=1, max_size=40), st.binary(min_size=16, max_size=16))
def test_keys_come_back_as_they_were_and_under_their_own_key_only(password: bytes, key: bytes) -> None:
    kek = new_kek()
    table = wrap(kek, MeterSecrets(encryption=key, password=password))
    assert unwrap(kek, table, "x") == MeterSecrets(encryption=key, password=password)
    assert key.hex() not in str(table)
    with pytest.raises(ConfigurationError):
        unwrap(new_kek(), table, "x")
    flipped = {name: f"{int(value[0], 16) ^ 1:x}{value[1:]}" for name, value in table.items()}
    with pytest.raises(ConfigurationError):
        unwrap(kek, flipped, "x")


def test_rfc_5649_published_vector() -> None:
    kek = bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
    wrapped = wrap(kek, MeterSecrets(password=bytes.fromhex("466f7250617369")))
    assert wrapped["password"] == "afbeb0f07dfbf5419200f2ccb50bb24f"


def test_nothing_shows_a_key() -> None:
    secret = bytes(range(200, 216))
    assert secret.hex() not in repr(MeterSecrets(encryption=secret))
    assert str(secret) not in repr(MeterSecrets(password=secret))
    for text in ("", "zz", "00" * 15):
        with pytest.raises(ConfigurationError, match="hexadecimal digits"):
            parse_kek(text, "environment")
    with pytest.raises(ConfigurationError) as raised:
        parse_kek(secret.hex() + "0", "environment")
    assert secret.hex() not in str(raised.value)
    assert counter_name(secret, b"KHT00001") != counter_name(secret, b"KHT00002")
    assert secret.hex() not in counter_name(secret, b"KHT00001")


def test_prepayment_values_and_what_is_none() -> None:
    def long(value: int) -> Data:
        return Data(Kind.DOUBLE_LONG, value)

    state = structure(Data(Kind.ENUM, 2), Data(Kind.ENUM, 2))
    account = account_of([state, Data(Kind.UNSIGNED, 1), long(500), long(0), long(0)])
    assert (account.mode, account.available_credit) == (2, 500)
    assert credit_of([long(-5), *[Data(Kind.ENUM, 0)] * 4, Data(Kind.ENUM, 4)]).status.name == "EXHAUSTED"
    assert charge_of([long(9)] * 5).remaining == 9
    assert token_status_of(structure(Data(Kind.ENUM, 5), Data(Kind.BIT_STRING, "01"))) == (TokenStatus.AUTHENTICATION_FAILURE, "01")
    for wrong in (array([]), structure(Data(Kind.ENUM, 99), Data(Kind.BIT_STRING, "")), structure(Data(Kind.ENUM, 1))):
        with pytest.raises(DecodeError):
            token_status_of(wrong)
    with pytest.raises(DecodeError):
        account_of([structure(Data(Kind.ENUM, 2), Data(Kind.ENUM, 7)), *[long(0)] * 4])
    assert token_data("1234 5678 9012 3456 7890") == octets(b"12345678901234567890")


@given(st.integers(0, 999_999), st.integers(0, 9_999), st.integers(0, 19), st.integers(1, 9))
def test_a_simulated_token_counts_once_and_a_changed_one_never(amount: int, number: int, place: int, add: int) -> None:
    purse = Purse(key=b"k" * 16, used=lambda: 100)
    token = make_token(b"k" * 16, amount=amount, number=number)
    changed = token[:place] + str((int(token[place]) + add) % 10) + token[place + 1 :]
    assert purse.enter(changed.encode()).failed
    assert purse.enter(token.encode()) is TokenStatus.EXECUTED
    assert purse.amount == amount - 100
    assert purse.enter(token.encode()) is TokenStatus.VALIDATION_FAILURE
    assert purse.enter(b"12") is TokenStatus.FORMAT_FAILURE
