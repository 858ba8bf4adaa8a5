"""Messages of other people's devices through the ingestor's eyes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.delivery import NULL_COUNT, BlockRows
from domain.errors import ConfigurationError
from domain.readings import Quality
from ingest.aliases import AliasBook
from ingest.channels import ChannelTable
from ingest.intake import Intake, Reception
from ingest.settings import IngestSettings
from tests.support.ingest_store import channel
from tests.support.uplink import NOW_MS

LOGGERS = {
    "name": "loggers",
    "format": "json",
    "topic": "loggers/{device}/data",
    "time": "/t",
    "time_format": "unix_ms",
    "metric": [{"name": "flow_m3h", "path": "/flow", "unit": "L/s"}, {"name": "pressure_m", "path": "/p"}],
}
LORA = {"name": "lora", "format": "chirpstack", "topic": "application/{application}/device/{device}/event/up"}
EDGE, TOPIC = "mqtt/loggers", "loggers/l1/data"
AT_MS = NOW_MS - 60_000


def reception(*channels: Any, **changes: Any) -> Reception:
    found = channels or (
        channel(EDGE, "l1", "flow_m3h", 41),
        channel(EDGE, "l1", "pressure_m", 42),
        channel("mqtt/lora", "0a", "x", 43),
    )
    settings = IngestSettings.model_validate({"foreign": [LOGGERS, LORA], **changes})
    return Reception(settings, book=AliasBook(), channels=ChannelTable(found))


def take(eyes: Reception, content: Any, topic: str = TOPIC) -> Intake:
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    return eyes.handle(topic, payload, now_ms=NOW_MS, monotonic_s=0.0)


def rows(block: BlockRows | None) -> list[tuple[int, int, int, int]]:
    assert block is not None
    assert (block.stream, block.range) == (None, None)
    return list(zip(block.point_id.tolist(), block.time_ms.tolist(), block.counts.tolist(), block.quality.tolist(), strict=True))


def reasons(intake: Intake) -> list[str]:
    return [dead.reason for dead in (*intake.letters, *(intake.block.dead if intake.block else ()))]


def test_readings_are_rows_without_receipt() -> None:
    intake = take(reception(), {"t": AT_MS, "flow": 2.5, "p": None})
    assert rows(intake.block) == [(41, AT_MS, 900, Quality.GOOD), (42, AT_MS, NULL_COUNT, Quality.BAD)]
    assert intake.block is not None
    assert (intake.block.edge, intake.block.dead) == (EDGE, ())
    assert intake.gateway is not None
    assert intake.gateway.online


def test_quality_time_and_range_are_judged_as_for_our_own() -> None:
    eyes = reception()
    assert rows(take(eyes, {"t": AT_MS, "flow": 1000}).block) == [(41, AT_MS, 360_000, Quality.SUSPECT)]
    assert rows(take(eyes, {"t": NOW_MS + 3_600_000, "flow": 1}).block) == [(41, NOW_MS, 360, Quality.CLOCK)]
    assert rows(take(eyes, {"flow": 1}).block) == [(41, NOW_MS, 360, Quality.CLOCK)]
    assert rows(take(eyes, b'{"t": %d, "flow": NaN}' % AT_MS).block) == [(41, AT_MS, NULL_COUNT, Quality.BAD)]
    late, huge = take(eyes, {"t": 1000, "flow": 1}), take(eyes, {"t": AT_MS, "flow": 1e30})
    assert (rows(late.block), reasons(late)) == ([], ["late_reading"])
    assert (rows(huge.block), reasons(huge)) == ([], ["out_of_range"])


def test_an_unknown_device_is_one_letter_with_the_whole_message() -> None:
    intake = take(reception(), {"t": AT_MS, "flow": 1, "p": 2}, "loggers/stranger/data")
    assert rows(intake.block) == []
    assert intake.block is not None
    (dead,) = intake.block.dead
    assert (dead.edge, dead.reason, dead.topic, dead.received_ms) == (EDGE, "unknown_device", "loggers/stranger/data", NOW_MS)
    assert json.loads(dead.payload)["flow"] == 1
    assert intake.gateway is None


def test_a_metric_of_the_rules_must_feed_a_point_others_need_not() -> None:
    eyes = reception(channel(EDGE, "l1", "flow_m3h", 41), channel("mqtt/lora", "0a", "x", 43))
    assert reasons(take(eyes, {"t": AT_MS, "flow": 1, "p": 2})) == ["unknown_metric"]
    uplink = {"deviceInfo": {"devEui": "0A"}, "time": "2026-02-25T06:00:00Z", "fPort": 2, "data": "AA=="}
    topic = "application/1/device/0a/event/up"
    known = take(eyes, uplink | {"object": {"x": 1, "battery": 3}}, topic)
    assert ([row[0] for row in rows(known.block)], reasons(known)) == ([43], [])
    assert reasons(take(eyes, uplink | {"object": {"battery": 3}}, topic)) == ["unknown_metric"]
    assert take(eyes, uplink | {"fPort": 0, "object": None}, topic).ignored == "no_readings"


def test_bad_messages_are_letters() -> None:
    eyes = reception(limits={"payload_bytes": 2048, "block_readings": 1})
    found = [reasons(take(eyes, payload)) for payload in (b"\xff", b"{}", b"x" * 3000, b'{"t": %d, "flow": 1, "p": 2}' % AT_MS)]
    assert found == [["decode_error"], ["no_readings"], ["oversize"], ["oversize"]]
    assert reasons(take(eyes, {"t": "soon", "flow": 1})) == ["bad_time"]
    assert reasons(take(eyes, {"t": AT_MS, "flow": "fast", "p": 1})) == ["type_mismatch"]
    assert reasons(take(eyes, {}, "loggers/l1/other")) == ["bad_topic"]


def test_a_swapped_meter_feeds_the_point_of_its_time() -> None:
    swapped = [
        channel(EDGE, "l1", "flow_m3h", 41, valid_to_ms=AT_MS),
        channel(EDGE, "l1", "flow_m3h", 44, valid_from_ms=AT_MS, valid_to_ms=AT_MS + 1000),
    ]
    eyes = reception(*swapped)
    assert [rows(take(eyes, {"t": AT_MS + d, "flow": 1}).block)[0][0] for d in (-1, 0)] == [41, 44]
    assert reasons(take(eyes, {"t": AT_MS + 1000, "flow": 1})) == ["unknown_metric"]


def test_settings_name_the_mistake() -> None:
    with pytest.raises(ConfigurationError, match=r"foreign\[0\].format"):
        IngestSettings.model_validate({"foreign": [LOGGERS | {"format": "xml"}]})
    with pytest.raises(ConfigurationError, match=r"\[\[ingest.foreign\]\]"):
        IngestSettings.model_validate({"foreign": "loggers"})
    settings = IngestSettings.model_validate({"foreign": [LOGGERS]})
    assert IngestSettings(foreign=settings.foreign) == settings
