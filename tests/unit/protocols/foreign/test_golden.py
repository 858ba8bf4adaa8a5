"""Every folder of tests/data/foreign/<format>/<case> is read as its expected.json says."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.errors import DecodeError
from domain.tables import Table
from protocols.foreign.model import ABSENT_TIME, Message
from protocols.foreign.settings import parse_source
from protocols.foreign.table import DECODERS

CASES = sorted(path.parent for path in (Path(__file__).parents[3] / "data" / "foreign").glob("*/*/expected.json"))
RECEIVED = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_case(case: Path) -> None:
    source = parse_source(Table.root("mapping.toml", tomllib.loads((case / "mapping.toml").read_text())))
    expected = json.loads((case / "expected.json").read_text())
    assert source.format == case.parent.name
    parts = source.topic.match(expected["topic"])
    assert parts is not None
    payload = (case / "payload.json").read_bytes()
    message = Message(source=source, parts=parts, payload=payload, received_ms=int(RECEIVED.timestamp() * 1000))
    if "error" in expected:
        with pytest.raises(DecodeError) as raised:
            DECODERS[source.format](message)
        assert raised.value.reason == expected["error"]
        return
    decoded = DECODERS[source.format](message)
    assert [shown(reading) for reading in decoded.readings] == expected["readings"]
    assert [fault.reason for fault in decoded.faults] == expected["faults"]


def shown(reading: Any) -> dict[str, Any]:
    moment = None
    if reading.time_ms != ABSENT_TIME:
        moment = datetime.fromtimestamp(reading.time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    value = None if reading.value is None else round(reading.value, 6)
    quality = reading.quality.name.lower()
    return {"device": reading.device, "metric": reading.metric, "time": moment, "value": value, "quality": quality}


def test_every_format_has_cases() -> None:
    assert {case.parent.name for case in CASES} == set(DECODERS)
