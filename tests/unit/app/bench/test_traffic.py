"""What is sent is what is compared with: payloads and arrays say the same."""

from __future__ import annotations

from app.bench.traffic import Fleet, Traffic, point_keys
from domain.delivery import SequenceRange
from domain.inventory import build_inventory
from protocols.sparkplug.blocks import decode_block
from protocols.sparkplug.payload import decode
from protocols.sparkplug.topics import parse_topic

FLEET = Fleet(gateways=2, devices=3, metrics=4)
START_MS = 1_772_000_040_000


def test_the_fleet_is_an_inventory() -> None:
    inventory = build_inventory(FLEET.documents())
    assert sorted(inventory.points) == sorted(point_keys(FLEET))
    assert len(inventory.devices) == 6


def test_rounds_go_on_where_the_last_one_ended_and_no_reading_comes_twice() -> None:
    traffic = Traffic(FLEET, start_ms=START_MS)
    rounds = [traffic.round(messages=7, per_message=5), traffic.round(messages=4, per_message=1)]
    keys = [key for part in rounds for key in zip(part.point.tolist(), part.time_ms.tolist(), strict=True)]
    assert len(keys) == len(set(keys)) == 39
    assert min(t for _, t in keys) == START_MS
    for gateway in range(2):
        numbers = [m.numbers for part in rounds for m in part.messages if m.gateway == gateway]
        assert [n.first for n in numbers] == [1, *(n.last + 1 for n in numbers[:-1])]


def test_payloads_say_what_the_arrays_say() -> None:
    part = Traffic(FLEET, start_ms=START_MS).round(messages=6, per_message=5)
    at = 0
    for message in part.messages:
        found = decode_block(decode(message.payload), parse_topic(message.topic).edge)
        assert found is not None
        header, metrics = found
        assert header.stream == FLEET.stream(message.gateway)
        assert header.range == message.numbers == SequenceRange(first=message.numbers.first, last=message.numbers.first + 4)
        for metric in metrics:
            assert metric.timestamp_ms == part.time_ms[at]
            assert metric.value == part.counts[at] / 100
            first_of_gateway = message.gateway * FLEET.devices * FLEET.metrics
            assert metric.alias == part.point[at] - first_of_gateway + 1
            at += 1
    assert at == part.readings
