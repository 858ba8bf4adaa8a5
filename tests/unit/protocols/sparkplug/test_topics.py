"""Topics come back as they went, or are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DecodeError
from protocols.sparkplug.topics import MessageType, Topic, build, parse_topic, state_topic

ids = st.text(st.characters(exclude_characters="/+#\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(ids, st.sampled_from(MessageType), ids, ids)
def test_roundtrip(group: str, kind: MessageType, node: str, device: str) -> None:
    topic = Topic(group=group, message_type=kind, node=node, device=device if kind.of_device else None)
    assert parse_topic(build(topic)) == topic
    assert topic.edge == f"{group}/{node}"


def test_known_topics() -> None:
    assert parse_topic("spBv1.0/demo/DDATA/gw-north/meter1") == Topic(
        group="demo", message_type=MessageType.DDATA, node="gw-north", device="meter1"
    )
    assert build(Topic(group="demo", message_type=MessageType.NCMD, node="gw-north")) == "spBv1.0/demo/NCMD/gw-north"
    assert state_topic("khettara") == "spBv1.0/STATE/khettara"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spBv1.0",
        "spBv1.0/STATE/khettara",
        "spAv1.0/demo/NDATA/gw",
        "spBv1.0/demo/NOTHING/gw",
        "spBv1.0/demo/ndata/gw",
        "spBv1.0/demo/NDATA/gw/device",
        "spBv1.0/demo/DDATA/gw",
        "spBv1.0/demo/DDATA/gw/",
        "spBv1.0//DDATA/gw/device",
        "spBv1.0/demo/DDATA/gw/device/more",
        "spBv1.0/demo/DDATA/+/device",
    ],
)
def test_other_topics_are_refused(text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_topic(text)
    assert caught.value.reason == "bad_topic"


@given(st.text(max_size=60))
def test_any_text_raises_nothing_but_decode_error(text: str) -> None:
    with pytest.raises(DecodeError):
        parse_topic(text)


@pytest.mark.parametrize(
    ("group", "kind", "node", "device"),
    [
        ("a/b", MessageType.NDATA, "n", None),
        ("g", MessageType.NDATA, "", None),
        ("g", MessageType.NDATA, "n", "d"),
        ("g", MessageType.DDATA, "n", None),
        ("g", MessageType.DDATA, "n", "#"),
    ],
)
def test_what_is_no_topic_is_not_built(group: str, kind: MessageType, node: str, device: str | None) -> None:
    with pytest.raises(ValueError, match=r"id|device"):
        build(Topic(group=group, message_type=kind, node=node, device=device))


def test_host_id_must_be_one_level() -> None:
    with pytest.raises(ValueError, match="host id"):
        state_topic("a/b")
