"""What lies behind the console's believable town: setpoints moved this morning, and alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.alerts import Alert, AlertState, Priority
from domain.ports_commands import ModeRow
from domain.setpoints import Command, Failed, Mode, Outcome, Source, Verified
from tests.support.alert_store import MemoryAlertStore
from tests.support.command_store import MemoryCommandStore

NOW = datetime(2026, 5, 6, 9, 24, tzinfo=UTC)
BURST_AT = NOW - timedelta(hours=3, minutes=10)


async def fill_past(store: MemoryCommandStore, alerts: MemoryAlertStore) -> None:
    """Modes, moves and alerts before ``NOW``."""
    before = NOW - timedelta(hours=5)
    modes = (("prv_medina", Mode.AUTO, None, "law"), ("prv_plateau", Mode.MANUAL, NOW + timedelta(hours=2), "samira"))
    for actuator, mode, until, owner in modes:
        row = ModeRow(actuator=actuator, mode=mode, until=until, owner=owner, owner_token=3)
        await store.set_mode(row, actor="samira", at=before, reason="morning peak ahead")
    moves = (
        ("prv_medina", 34.0, 35.0, 250, "law flow-forward 1"), ("prv_oued", 29.5, 30.0, 190, "law flow-forward 1"),
        ("prv_medina", 35.0, 36.0, 150, "law flow-forward 1"), ("prv_plateau", 38.0, 38.5, 96, "samira"),
        ("prv_medina", 36.0, 37.0, 48, "law flow-forward 1"), ("prv_oued", 30.0, 31.0, 21, "omar"),
    )  # fmt: skip
    for number, (actuator, previous, value, minutes, author) in enumerate(moves, 1):
        issued = NOW - timedelta(minutes=minutes)
        command = Command(
            command_id=f"past{number:04d}",
            actuator=actuator,
            gateway="demo/gw-south",
            device=actuator.replace("_", "-"),
            field="setpoint_m",
            value_m=value,
            previous_m=previous,
            source=Source.LAW if author.startswith("law") else Source.OPERATOR,
            author=author,
            issued_at=issued,
            expires_at=issued + timedelta(minutes=10),
            counter=number,
            owner_token=3,
            lease_s=1800,
            key_id="desk",
        )
        await store.save_command(command)
        at = issued + timedelta(seconds=50)
        outcome: Outcome = Verified(command_id=command.command_id, at=at, readback_m=value)
        if author == "omar":
            outcome = Failed(command_id=command.command_id, at=at, detail="read back 30.00 m", readback_m=30.0)
        await store.finish(outcome)
    for alert in past_alerts():
        await alerts.save_alert(alert, actor="system", action="raise")


def past_alerts() -> list[Alert]:
    """A burst nobody has seen, a creeping leak somebody has, a doubtful meter, and one that is over."""
    return [
        Alert(
            key="burst:medina:2026-05-06T06:14Z",
            code="leak.burst",
            zone="medina",
            priority=Priority.HIGH,
            state=AlertState.UNACKNOWLEDGED,
            raised_at=BURST_AT + timedelta(minutes=25),
            updated_at=BURST_AT + timedelta(minutes=70),
            parameters={
                "flow": "21.5 m³/h",
                "flow_error": "±1.8 m³/h",
                "loss_per_day": "516 m³/d",
                "since": "2026-05-06T06:14Z",
                "confidence": "97 %",
            },
        ),
        Alert(
            key="creeping:oued:2026-04-28",
            code="leak.creeping",
            zone="oued",
            priority=Priority.MEDIUM,
            state=AlertState.ACKNOWLEDGED,
            raised_at=NOW - timedelta(days=3),
            updated_at=NOW - timedelta(days=2),
            parameters={"flow": "3.1 m³/h", "since": "2026-04-28T00:30Z", "detectors": "night_flow"},
            acknowledged_by="samira",
        ),
        Alert(
            key="meter:industrie:2026-05-06",
            code="meter.fault",
            zone="industrie",
            priority=Priority.LOW,
            state=AlertState.UNACKNOWLEDGED,
            raised_at=NOW - timedelta(hours=9),
            updated_at=NOW - timedelta(hours=9),
            parameters={"confidence": "71 %"},
        ),
        Alert(
            key="command.failed:prv_plateau:2026-05-01",
            code="command.failed",
            zone="plateau",
            priority=Priority.HIGH,
            state=AlertState.NORMAL,
            raised_at=NOW - timedelta(days=5),
            updated_at=NOW - timedelta(days=5) + timedelta(hours=1),
            parameters={"subject": "prv_plateau", "value": "38.00 m", "detail": "no answer"},
            acknowledged_by="samira",
        ),
    ]
