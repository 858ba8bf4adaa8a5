"""Readings that are lost for good, and clocks that run ahead, ask for somebody."""

from __future__ import annotations

from alerts.delivery import DELIVERY_GAP, GATEWAY_CLOCK, delivery_conditions
from domain.alerts import Priority
from domain.ports import DeliveryNow


def test_a_loss_and_a_wrong_clock_are_alerts_of_their_own() -> None:
    rows = [
        DeliveryNow(edge="demo/gw-1", lost=12_000, reasons="spool_full", losing=True, clock_wrong=False, ahead_s=0),
        DeliveryNow(edge="demo/gw-2", lost=0, reasons="", losing=False, clock_wrong=True, ahead_s=600.4),
    ]
    found = {(c.code, c.subject): c for c in delivery_conditions(rows)}
    assert {key for key, condition in found.items() if condition.active} == {
        (DELIVERY_GAP, "demo/gw-1"),
        (GATEWAY_CLOCK, "demo/gw-2"),
    }
    assert len(found) == 4, "what is right again is said as well"
    loss = found[DELIVERY_GAP, "demo/gw-1"]
    assert (loss.priority, loss.parameters) == (Priority.HIGH, {"lost": "12000", "reasons": "spool_full"})
    assert found[GATEWAY_CLOCK, "demo/gw-2"].parameters == {"ahead": "600 s"}
