"""A source's settings name every mistake by its key."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import ConfigurationError
from protocols.foreign.settings import parse_sources
from protocols.foreign.topics import TopicPattern

RULE = {"name": "flow_m3h", "path": "/f"}
GOOD: dict[str, Any] = {"name": "a", "format": "json", "topic": "a/{device}", "metric": [RULE]}


def test_a_source() -> None:
    (source,) = parse_sources([GOOD], "x.toml")
    assert (source.edge, source.topic.filter, source.metrics[0].canonical(2.0)) == ("mqtt/a", "a/+", 2.0)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"format": "jsn"}, "foreign[0].format"),
        ({"name": "a/b"}, "foreign[0].name"),
        ({"topics": "a"}, "foreign[0].topics"),
        ({"topic": "#"}, "foreign[0].topic"),
        ({"topic": "{device}/x"}, "foreign[0].topic"),
        ({"topic": "spBv1.0/demo/#"}, "foreign[0].topic"),
        ({"topic": "$share/x/a"}, "foreign[0].topic"),
        ({"topic": "a/{device}/{device}"}, "foreign[0].topic"),
        ({"topic": "a/#/b"}, "foreign[0].topic"),
        ({"topic": "a//b"}, "foreign[0].topic"),
        ({"topic": "a/b"}, "foreign[0].device"),
        ({"metric": []}, "foreign[0].metric"),
        ({"time": "ts"}, "foreign[0].time"),
        ({"time_format": "rfc"}, "foreign[0].time_format"),
        ({"timezone": "Africa/Atlantis"}, "foreign[0].timezone"),
        ({"metric": [RULE | {"unit": "bar"}]}, "foreign[0].metric[0].unit"),
        ({"metric": [{"name": "door", "path": "/d", "unit": "1"}]}, "foreign[0].metric[0].unit"),
        ({"metric": [RULE | {"factor": 0}]}, "foreign[0].metric[0].factor"),
        ({"metric": [RULE | {"words": {"on": "1"}}]}, "foreign[0].metric[0].words.on"),
        ({"metric": [RULE | {"path": "f"}]}, "foreign[0].metric[0].path"),
    ],
)
def test_mistakes(change: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_sources([GOOD | change], "x.toml")
    assert raised.value.key == key
    assert raised.value.file == "x.toml"


@pytest.mark.parametrize("second", [GOOD | {"topic": "b/{device}"}, GOOD | {"name": "b", "topic": "a/{gateway}", "device": "/d"}])
def test_a_name_or_a_topic_is_used_once(second: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        parse_sources([GOOD, second], "x.toml")


@pytest.mark.parametrize(
    ("pattern", "topic", "parts"),
    [
        ("a/{device}/data", "a/x/data", {"device": "x"}),
        ("a/{device}/data", "a/x/y/data", None),
        ("a/{device}/data", "a/x", None),
        ("a/+/{device}", "a/x/y", {"device": "y"}),
        ("a/{device}/#", "a/x", {"device": "x"}),
        ("a/{device}/#", "a/x/y/z", {"device": "x"}),
        ("a/#", "b/x", None),
        ("a/#", "a", {}),
    ],
)
def test_topics(pattern: str, topic: str, parts: dict[str, str] | None) -> None:
    assert TopicPattern(pattern).match(topic) == parts
