"""Few requests, and holes learned for good."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.profile import DeviceModel, parse_model
from protocols.modbus.read_plan import ReadPlan
from protocols.modbus.requests import plan


def meter(addresses: list[int], *, max_gap: int = 20, words: int = 2) -> DeviceModel:
    kind = {1: "uint16", 2: "float32"}[words]
    rows = [
        {
            "name": f"v{a}",
            "function": "input",
            "address": a,
            "type": kind,
            "order": "ABCD"[: 2 * words],
            "quantity": "state",
            "resolution": "1",
        }
        for a in addresses
    ]
    return parse_model({"name": "meter", "max_gap": max_gap, "field": rows}, "meter.toml")


def test_a_meter_of_sixty_tags_needs_a_tenth_of_the_requests() -> None:
    """The other gateways' complaint: one request a register (thingsboard-gateway #1821, #2052)."""
    sparse = meter([i * 2 + i // 10 * 8 for i in range(60)])  # floats in groups of ten, eight unused registers between
    requests = plan(sparse)
    assert len(requests) * 10 <= 60
    assert sum(len(r.fields) for r in requests) == 60
    assert all(r.count <= 125 for r in requests)


def device_with_holes(readable: set[int]):
    return lambda request: all(a in readable for a in range(request.address, request.address + request.count))


def poll(reads: ReadPlan, answers) -> tuple[set[str], int]:
    """One poll as the gateway does it: fields read, requests asked."""
    got: set[str] = set()
    asked, waiting = 0, list(reads.requests)
    while waiting:
        request = waiting.pop(0)
        asked += 1
        if answers(request):
            got |= set(request.fields)
        else:
            waiting = [*reads.refused(request), *waiting]
    return got, asked


def test_a_hole_costs_once() -> None:
    model = meter([0, 2, 10, 12])
    answers = device_with_holes({0, 1, 2, 3, 10, 11, 12, 13})
    reads = ReadPlan(model)
    assert len(reads.requests) == 1
    assert poll(reads, answers) == ({"v0", "v2", "v10", "v12"}, 3)
    assert poll(reads, answers) == ({"v0", "v2", "v10", "v12"}, 2)
    assert reads.absent == ()


def test_a_field_that_is_not_there_is_left_out_and_tried_again_later() -> None:
    reads = ReadPlan(meter([0, 2, 4]))
    assert poll(reads, device_with_holes({0, 1, 4, 5}))[0] == {"v0", "v4"}
    assert reads.absent == ("v2",)
    assert poll(reads, device_with_holes({0, 1, 4, 5})) == ({"v0", "v4"}, 2)
    reads.revive()
    assert poll(reads, device_with_holes(set(range(6))))[0] == {"v0", "v2", "v4"}
    assert reads.absent == ()


def test_a_probe_is_small_even_when_everything_was_refused() -> None:
    reads = ReadPlan(meter([7]))
    poll(reads, device_with_holes(set()))
    probe = reads.probe()
    assert probe is not None
    assert (probe.address, probe.count) == (7, 2)
    assert ReadPlan(meter([7]), []).probe() is None
    assert reads.refused(probe) == ()  # what is no request of the plan teaches nothing


@pytest.mark.parametrize("words", [1, 2])
@given(data=st.data())
def test_whatever_the_holes_every_readable_field_is_read_in_the_end(data: st.DataObject, words: int) -> None:
    addresses = sorted(data.draw(st.sets(st.integers(0, 60), min_size=1, max_size=25)))
    addresses = [a * words for a in addresses]
    model = meter(addresses, words=words)
    readable = data.draw(st.sets(st.integers(0, 130)))
    reads = ReadPlan(model)
    expected = {f.name for f in model.fields if set(range(f.address, f.end)) <= readable}
    first, _ = poll(reads, device_with_holes(readable))
    assert first == expected
    again, asked = poll(reads, device_with_holes(readable))
    assert again == expected
    assert asked == len(reads.requests)
