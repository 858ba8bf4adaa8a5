"""What customers let run is none of a zone's losses: its inflow without the leaks behind meters that are known. Pure.

The balance against the customers' meters needs none of this: what they let run is in the meters' sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from domain.customers import CustomerFinding
from domain.findings import Finding, FindingKind
from leak_detection.inputs import ZoneInputs
from leak_detection.life import OVER_CUSTOMER, reference_flow

_TOGETHER = timedelta(hours=6)
"""So far apart may the onsets of one leak lie for the zone's inflow and the customer's meter."""
_ALIKE = 2.0
"""Times the smaller flow is the larger at most."""


def without_customers(inputs: ZoneInputs, running: Sequence[CustomerFinding]) -> ZoneInputs:
    """The zone with an inflow that lacks what ran behind its customers' meters.

    Args:
        inputs: Of the zone.
        running: Leaks behind its meters, over or not.
    """
    if not running:
        return inputs
    starts = inputs.start_s + inputs.step_s * np.arange(inputs.size, dtype=np.float64)
    water = np.zeros(inputs.size)
    for leak in running:
        end_s = np.inf if leak.ended_at is None else leak.ended_at.timestamp()
        water += np.where((starts >= leak.since.timestamp()) & (starts < end_s), leak.flow_m3h, 0.0)
    return replace(inputs, inflow_m3h=inputs.inflow_m3h - water)


def explained(finding: Finding, running: Sequence[CustomerFinding]) -> Finding:
    """A finding that is over, with a note where it was a customer's: one meter let as much run from then on."""
    if finding.open or finding.kind is FindingKind.METER_FAULT or OVER_CUSTOMER in finding.notes:
        return finding
    flow = reference_flow(finding)
    same = any(
        abs(leak.since - finding.since) <= _TOGETHER
        and max(flow, leak.flow_m3h) <= _ALIKE * min(flow, leak.flow_m3h)
        and (leak.ended_at is None or leak.ended_at > finding.since)
        for leak in running
    )
    return replace(finding, notes=(*finding.notes, OVER_CUSTOMER)) if same else finding
