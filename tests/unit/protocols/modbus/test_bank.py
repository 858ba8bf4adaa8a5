"""A simulated device's registers, from inside and from outside."""

from __future__ import annotations

import pytest

from protocols.modbus.bank import RegisterBank
from protocols.modbus.model import Function
from protocols.modbus.pdu import Refuse, answer
from protocols.modbus.profile import load_model, parse_model

PRV = load_model("generic_prv_controller")
LIMITS = {"min": 0, "max": 100}
ON_OFF = {"min": 0, "max": 1}
PRESSURE = {"function": "holding", "quantity": "pressure"}
PAIR = parse_model(
    {
        "name": "pair",
        "field": [
            {"name": "a_m", "address": 0, "type": "float32", "order": "ABCD", "resolution": "0.01", "writable": LIMITS, **PRESSURE},
            {"name": "b_m", "address": 2, "type": "uint16", "scale": 0.01, "resolution": "0.01", "writable": LIMITS, **PRESSURE},
            {"name": "c_m", "address": 3, "type": "uint16", "resolution": "1", **PRESSURE},
            {
                "name": "open",
                "function": "coil",
                "address": 7,
                "quantity": "state",
                "resolution": "1",
                "writable": {"min": 0, "max": 1},
            },
        ],
    },
    "pair.toml",
)


def ask(bank: RegisterBank, text: str) -> str:
    return answer(bank, bytes.fromhex(text)).hex(" ").upper()


def test_set_and_get_in_canonical_units() -> None:
    bank = RegisterBank(PRV)
    bank.set("outlet_m", 35.1234)
    assert bank.get("outlet_m") == 35.123
    bank.set("outlet_m", None)
    assert bank.get("outlet_m") is None


def test_a_sensor_beyond_its_range_saturates() -> None:
    bank = RegisterBank(PRV)
    bank.set("inlet_m", -3.0)
    assert bank.get("inlet_m") == 0.0
    bank.set("inlet_m", 1e6)
    assert bank.get("inlet_m") == pytest.approx(655.34 * 10.19716, abs=0.01)  # 0xFFFF would be "no value"


def test_golden_frames_of_the_valve() -> None:
    bank = RegisterBank(PRV)
    bank.set("setpoint_m", 35.12)
    bank.set("outlet_m", 35.12)
    assert ask(bank, "03 0064 0001") == "03 02 0D B8"
    assert ask(bank, "04 0001 0002") == "04 04 89 30 00 00"
    assert ask(bank, "06 0064 0FA0") == "06 00 64 0F A0"
    assert bank.get("setpoint_m") == 40.0


@pytest.mark.parametrize(
    ("request_hex", "code"),
    [
        ("03 0065 0001", 2),  # no such register
        ("03 0064 0002", 2),  # one register too many
        ("04 0064 0001", 2),  # the setpoint is no input
        ("06 0000 0001", 2),  # inputs are not written
        ("06 0064 3A99", 3),  # 150.01 m
        ("06 0064 FFFF", 3),  # "no value" is no setpoint
        ("05 0000 FF00", 2),
    ],
)
def test_what_the_valve_refuses(request_hex: str, code: int) -> None:
    bank = RegisterBank(PRV)
    bank.set("setpoint_m", 35.0)
    assert ask(bank, request_hex) == f"{int(request_hex[:2], 16) | 0x80:02X} {code:02X}"
    assert bank.get("setpoint_m") == 35.0


def test_several_fields_in_one_write() -> None:
    bank = RegisterBank(PAIR)
    assert ask(bank, "10 0000 0003 06 4248 0000 1388") == "10 00 00 00 03"
    assert (bank.get("a_m"), bank.get("b_m")) == (50.0, 50.0)


@pytest.mark.parametrize(
    ("request_hex", "code"),
    [
        ("10 0000 0001 02 4248", 2),  # half a float
        ("10 0001 0002 04 0000 1388", 2),  # the other half
        ("10 0002 0002 04 1388 0001", 2),  # the second is read only
        ("10 0000 0003 06 4248 0000 FFFF", 3),  # the second is beyond its limits
        ("10 0000 0003 06 7FC0 0000 1388", 3),  # NaN
    ],
)
def test_a_write_is_taken_whole_or_not_at_all(request_hex: str, code: int) -> None:
    bank = RegisterBank(PAIR)
    asked: list[str] = []
    bank.on_write = lambda field, _: asked.append(field)
    assert ask(bank, request_hex) == f"90 {code:02X}"
    assert (bank.get("a_m"), bank.get("b_m")) == (0.0, 0.0)
    assert asked == []


def test_coils() -> None:
    bank = RegisterBank(PAIR)
    assert ask(bank, "05 0007 FF00") == "05 00 07 FF 00"
    assert bank.get("open") == 1.0
    assert ask(bank, "01 0007 0001") == "01 01 01"


def test_gaps_the_model_allows_read_as_zero() -> None:
    bank = RegisterBank(load_model("generic_energy_meter"))
    bank.set("power_kw", 45.678)
    assert bank.read(Function.HOLDING, 0, 12)[:8] == [0x0000, 0xB26E, 0, 0, 0, 0, 0, 0]
    with pytest.raises(Refuse):
        bank.read(Function.HOLDING, 12, 1)


def test_hook_sees_the_value_before_it_stands_and_may_refuse() -> None:
    bank = RegisterBank(PRV)
    seen: list[tuple[str, float, float | None]] = []

    def hook(field: str, value: float) -> bool:
        seen.append((field, value, bank.get(field)))
        return value < 50

    bank.on_write = hook
    assert ask(bank, "06 0064 0FA0") == "06 00 64 0F A0"
    assert ask(bank, "06 0064 1770") == "86 03"
    assert seen == [("setpoint_m", 40.0, 0.0), ("setpoint_m", 60.0, 40.0)]
    assert bank.get("setpoint_m") == 40.0
