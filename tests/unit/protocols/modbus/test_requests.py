"""Planning, decoding, and writes that stay inside their limits."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError, DecodeError, NotAllowed
from protocols.modbus.profile import DeviceModel, Function, ReadRequest, decode, encode_write, load_model, parse_model, plan

PRV = load_model("generic_prv_controller")


@st.composite
def models(draw: st.DrawFn) -> DeviceModel:
    """Models whose fields lie anywhere, in any order, without overlaps."""
    rows, at = [], {"holding": 0, "input": 0}
    for i in range(draw(st.integers(1, 25))):
        function = draw(st.sampled_from(["holding", "input"]))
        kind = draw(st.sampled_from([("uint16", "AB", 1), ("int32", "CDAB", 2), ("float64", "ABCDEFGH", 4)]))
        address = at[function] + draw(st.integers(0, 40))
        at[function] = address + kind[2]
        rows.append({"name": f"state{i}", "function": function, "address": address, "type": kind[0], "order": kind[1],
                     "quantity": "state", "resolution": "1"})  # fmt: skip
    return parse_model({"name": "m", "field": draw(st.permutations(rows))}, "m.toml")


@given(models(), st.integers(0, 30), st.integers(4, 125))
def test_plan_reads_every_field_once_and_keeps_the_limits(model: DeviceModel, max_gap: int, max_span: int) -> None:
    requests = plan(model, max_gap=max_gap, max_span=max_span)
    assert sorted(n for r in requests for n in r.fields) == sorted(f.name for f in model.fields)
    for request in requests:
        fields = [model.field(n) for n in request.fields]
        assert request.count <= max_span
        assert all(f.function is request.function for f in fields)
        assert fields[0].address == request.address
        assert fields[-1].end == request.address + request.count
        assert all(b.address - a.end <= max_gap for a, b in pairwise(fields))


@given(models())
def test_without_gaps_no_register_is_read_that_nobody_wants(model: DeviceModel) -> None:
    assert sum(r.count for r in plan(model, max_gap=0)) == sum(f.type.words for f in model.fields)


def test_plan_of_some_fields_only() -> None:
    assert plan(PRV, ["flow_m3h", "setpoint_m", "outlet_m", "flow_m3h"]) == (
        ReadRequest(function=Function.HOLDING, address=100, count=1, fields=("setpoint_m",)),
        ReadRequest(function=Function.INPUT, address=1, count=4, fields=("outlet_m", "flow_m3h")),
    )
    assert plan(PRV, []) == ()


def test_the_protocols_own_limit_holds_whatever_is_asked() -> None:
    rows = [{"name": f"state{i}", "function": "holding", "address": i, "type": "uint16", "quantity": "state", "resolution": "1"}
            for i in range(130)]  # fmt: skip
    model = parse_model({"name": "m", "field": rows}, "m.toml")
    assert [r.count for r in plan(model, max_span=1000)] == [125, 5]


def test_unknown_field_lists_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"flow_lps.*inlet_m, outlet_m"):
        plan(PRV, ["flow_lps"])


def test_answer_of_another_length_is_refused() -> None:
    request = plan(PRV, ["flow_m3h"])[0]
    for registers in ([], [1], [1, 2, 3]):
        with pytest.raises(DecodeError, match="bad_length"):
            decode(PRV, request, registers)


@given(st.integers(0, 15000))
def test_every_setpoint_of_the_registers_is_written_exactly(centimetres: int) -> None:
    value_m = float(f"{centimetres // 100}.{centimetres % 100:02d}")
    request = encode_write(PRV, "setpoint_m", value_m)
    assert (request.function, request.address, request.registers) == (Function.HOLDING, 100, (centimetres,))
    assert request.value == value_m


@given(st.floats(0, 150))
def test_a_setpoint_is_rounded_to_the_nearest_step_and_says_so(value_m: float) -> None:
    request = encode_write(PRV, "setpoint_m", value_m)
    assert abs(request.value - value_m) <= 0.005 + 1e-9
    read = ReadRequest(function=Function.HOLDING, address=100, count=1, fields=("setpoint_m",))
    assert decode(PRV, read, request.registers) == {"setpoint_m": request.value}


@pytest.mark.parametrize("value_m", [-0.01, 150.01, 1e9, math.nan, math.inf, -math.inf])
def test_outside_the_limits_nothing_is_written(value_m: float) -> None:
    with pytest.raises(NotAllowed, match=r"setpoint_m = .* m is outside 0\.\.150"):
        encode_write(PRV, "setpoint_m", value_m)


def test_what_is_measured_cannot_be_written() -> None:
    with pytest.raises(NotAllowed, match="outlet_m is read only"):
        encode_write(PRV, "outlet_m", 30.0)
    with pytest.raises(ConfigurationError, match="setpoint"):
        encode_write(PRV, "setpoint", 30.0)
