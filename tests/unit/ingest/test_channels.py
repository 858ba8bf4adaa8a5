"""Looking up channels, and saying why there is none."""

from __future__ import annotations

import pytest

from ingest.channels import ChannelTable, Fault
from ingest.reasons import Reason
from tests.support.ingest_store import channel

TABLE = ChannelTable([channel("g/n", "d", "flow_m3h", 1), channel("g/n", "d", "flow_m3h", 2), channel("g/n", "e", "level_m", 3)])


def test_every_channel_a_metric_has_been() -> None:
    found = TABLE.find("g/n", "d", "flow_m3h")
    assert not isinstance(found, Fault)
    assert [row.point_id for row in found] == [1, 2]
    assert len(TABLE) == 3


@pytest.mark.parametrize(
    ("edge", "device", "metric", "reason"),
    [
        ("x/n", "d", "flow_m3h", Reason.UNKNOWN_DEVICE),
        ("g/n", "x", "flow_m3h", Reason.UNKNOWN_DEVICE),
        ("g/n", "e", "flow_m3h", Reason.UNKNOWN_METRIC),
    ],
)
def test_the_fault_names_what_is_unknown(edge: str, device: str, metric: str, reason: Reason) -> None:
    found = TABLE.find(edge, device, metric)
    assert isinstance(found, Fault)
    assert found.reason is reason
    assert (edge if edge == "x/n" else device) in found.detail
