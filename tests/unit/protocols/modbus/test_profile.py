"""Device model files: those that come along read their own frames; wrong ones say what would be right."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import protocols.modbus
from domain.errors import ConfigurationError
from protocols.modbus.profile import DeviceModel, ReadRequest, Sample, decode, load_model, model_names, parse_model

FOLDER = Path(protocols.modbus.__file__).parent.parent / "device_models"
SAMPLES = [
    pytest.param(model, sample, id=f"{model.name}-{i}")
    for model in map(load_model, model_names())
    for i, sample in enumerate(model.samples)
]
GOOD = """
name = "meter"
description = "A meter"
max_gap = 2

[[field]]
name = "flow_m3h"
function = "input"
address = 0
type = "float32"
order = "CDAB"
unit = "L/s"
quantity = "flow"
resolution = "0.01"

[[field]]
name = "setpoint_m"
function = "holding"
address = 0
type = "uint16"
scale = 0.01
quantity = "pressure"
resolution = "0.01"
sentinels = [0xFFFF]
writable = { min = 5, max = 100, safe = 30 }

[[sample]]
function = "input"
address = 0
registers = "8000 4366"
expect = { flow_m3h = 829.8 }
"""


def test_every_file_is_found_and_has_samples() -> None:
    assert {"generic_flowmeter", "generic_pressure_logger", "generic_prv_controller", "generic_tank_level", "generic_energy_meter",
            "generic_pump_station"} <= set(model_names())  # fmt: skip
    assert set(model_names()) == {p.stem for p in FOLDER.glob("*.toml") if not p.stem.startswith("dlms_")}
    for name in model_names():
        model = load_model(name)
        proved = {n for s in model.samples for n, v in s.expect.items() if v is not None}
        assert proved == {f.name for f in model.fields}, f"{name}: a field without a frame that proves it"
        gone = {n for s in model.samples for n, v in s.expect.items() if v is None}
        assert {f.name for f in model.fields if f.sentinels and f.writable is None} <= gone, f"{name}: a sentinel nobody has seen"


def test_named_models_say_where_their_registers_come_from() -> None:
    """Whoever wires a meter must be able to check; a map that is no maker's says so."""
    named = [load_model(name) for name in model_names() if not name.startswith("generic_")]
    assert len(named) >= 8
    for model in named:
        own = model.name.startswith("khettara_")
        assert ("Not a maker's map" in model.description) == own, model.name
        assert own or "maker" in model.description, model.name
    assert sum("energy_kwh" in {f.name for f in m.fields} and "meter" in m.description for m in named) >= 3
    assert sum("volume_m3" in {f.name for f in m.fields} for m in named) >= 2
    for model in named:
        for field in model.fields:
            assert field.writable is None or field.writable.safe is not None, f"{model.name}.{field.name}: no safe value"


@pytest.mark.parametrize(("model", "sample"), SAMPLES)
def test_frames_read_as_expected_and_back(model: DeviceModel, sample: Sample) -> None:
    request = ReadRequest(
        function=sample.function, address=sample.address, count=len(sample.registers), fields=tuple(sample.expect)
    )
    found = decode(model, request, sample.registers)
    for name, expected in sample.expect.items():
        field = model.field(name)
        value = found[name]
        if expected is None:
            assert value is None
            continue
        assert value == pytest.approx(expected, abs=field.resolution / 2)
        start = field.address - sample.address
        assert field.registers(value) == list(sample.registers[start : start + field.type.words])


def test_good_file() -> None:
    model = parse_model(tomllib.loads(GOOD), "meter.toml")
    assert [f.name for f in model.fields] == ["flow_m3h", "setpoint_m"]
    writable = model.field("setpoint_m").writable
    assert writable is not None
    assert (writable.low, writable.high, writable.safe) == (5.0, 100.0, 30.0)
    assert model.max_gap == 2


Change = Callable[[dict[str, Any]], object]


def flow(**changes: object) -> Change:
    return lambda data: data["field"][0].update(changes)


def setpoint(**changes: object) -> Change:
    return lambda data: data["field"][1].update(changes)


def sample(**changes: object) -> Change:
    return lambda data: data["sample"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "key", "expected"),
    [
        (lambda d: d.update(vendor="x"), "vendor", "known key"),
        (lambda d: d.update(field=[]), "field", r"at least one \[\[field\]\]"),
        (lambda d: d.update(max_span=0), "max_span", ">= 1"),
        (flow(adress=3), r"field\[0\].adress", "did you mean 'address'"),
        (flow(unit="l/s"), r"field\[0\].unit", "measures flow: m3/h, L/s"),
        (flow(unit="bar"), r"field\[0\].unit", "a unit that measures flow"),
        (flow(quantity="flaw"), r"field\[0\].quantity", "did you mean 'flow'"),
        (flow(name="flow"), r"field\[0\].name", "ends in '_m3h'"),
        (flow(name=""), r"field\[0\].name", "non-empty"),
        (flow(function="coils"), r"field\[0\].function", "did you mean 'coil'"),
        (flow(function="coil"), r"field\[0\].type", "'bit' for coils"),
        (flow(type="bit"), r"field\[0\].type", "'bit' for coils"),
        (flow(type="float"), r"field\[0\].type", "float32"),
        (flow(order="AB"), r"field\[0\].order", "letters ABCD once"),
        (flow(order="ABCDEFGH"), r"field\[0\].order", "4 bytes for float32"),
        (lambda d: d["field"][0].pop("order"), r"field\[0\].order", "letters ABCD once"),
        (lambda d: d["field"][0].pop("address"), r"field\[0\].address", "required"),
        (flow(address=-1), r"field\[0\].address", ">= 0"),
        (flow(address=65535), r"field\[0\].address", "2 registers end by 65535"),
        (flow(scale=0), r"field\[0\].scale", "other than 0"),
        (flow(scale="0.1"), r"field\[0\].scale", "a number"),
        (flow(resolution=0), r"field\[0\].resolution", "positive decimal"),
        (flow(sentinels=["0x7FFF"]), r"field\[0\].sentinels", "bit patterns within 0..0xFFFFFFFF"),
        (setpoint(sentinels=[0x10000]), r"field\[1\].sentinels", "bit patterns within 0..0xFFFF"),
        (setpoint(name="flow_m3h", quantity="flow"), r"field\[1\].name", "no other field has"),
        (setpoint(function="input", writable=...), r"field\[1\].address", r"'flow_m3h' \(input 0..1\) does not hold"),
        (setpoint(function="input"), r"field\[1\].writable", "input cannot be written"),
        (setpoint(writable={"min": 5}), r"field\[1\].writable.max", "required"),
        (setpoint(writable={"min": 5, "max": 1}), r"field\[1\].writable.max", ">= 5"),
        (setpoint(writable={"min": 5, "max": 10, "safe": 30}), r"field\[1\].writable.safe", "<= 10"),
        (setpoint(writable={"min": 5, "max": 10, "step": 1}), r"field\[1\].writable.step", "known key"),
        (setpoint(writable={"min": 0, "max": 1000}), r"field\[1\].writable.max", "registers can hold"),
        (sample(registers="8000 436"), r"sample\[0\].expect.flow_m3h", "which is what the registers"),
        (sample(registers="8000 zz"), r"sample\[0\].registers", "hexadecimal"),
        (sample(registers="8000 14366"), r"sample\[0\].registers", "hexadecimal"),
        (sample(expect={"flow_m3h": 829.9}), r"sample\[0\].expect.flow_m3h", "829.8"),
        (sample(expect={"flow_m3h": "none"}), r"sample\[0\].expect.flow_m3h", "829.8"),
        (sample(expect={"flow_m3h": "nothing"}), r"sample\[0\].expect.flow_m3h", "a number"),
        (sample(expect={}), r"sample\[0\].expect", "flow_m3h"),
        (sample(expect={"flow_m3h": 829.8, "setpoint_m": 1}), r"sample\[0\].expect", "flow_m3h"),
        (sample(function="holding", registers="0001"), r"sample\[0\].expect", "setpoint_m"),
        (sample(adress=1), r"sample\[0\].adress", "did you mean 'address'"),
    ],
)
def test_wrong_files_say_file_key_and_what_would_be_right(change: Change, key: str, expected: str) -> None:
    data = copy.deepcopy(tomllib.loads(GOOD))
    change(data)
    for row in data["field"]:
        for name in [n for n, v in row.items() if v is ...]:
            del row[name]
    with pytest.raises(ConfigurationError, match=f"meter.toml: {key} = .*{expected}") as caught:
        parse_model(data, "meter.toml")
    assert caught.value.file == "meter.toml"


def test_unknown_model_names_the_near_one() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'generic_flowmeter'"):
        load_model("generic_flowmetre")
    with pytest.raises(ConfigurationError, match="one of abb_acs550, abb_aquamaster_3"):
        load_model("acme")
    with pytest.raises(ConfigurationError, match="a device model"):
        load_model("../../pyproject")


def test_a_sites_own_folder_comes_first(tmp_path: Path) -> None:
    (tmp_path / "meter.toml").write_text(GOOD)
    assert load_model("meter", tmp_path).description == "A meter"
    assert load_model("generic_flowmeter", tmp_path).name == "generic_flowmeter"


@pytest.mark.parametrize(("text", "expected"), [("name = ", "TOML"), ("name = 'other'\n" + GOOD.split("\n", 2)[2], "'meter'")])
def test_broken_files(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "meter.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=expected):
        load_model("meter", tmp_path)


def test_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "meter.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="TOML"):
        load_model("meter", tmp_path)
