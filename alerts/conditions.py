"""Alerts that come from no detector: a command that failed, a gateway that is silent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from alerts.definitions import COMMAND_FAILED, GATEWAY_OFFLINE, METER_QUARANTINE, NOTIFY_FAILED, NOTIFY_UNTESTED
from domain.alerts import Alert, AlertState, Priority
from domain.ports import GatewayNow
from domain.setpoints import METER_QUARANTINED, METER_RELEASED, Command, Failed, Outcome, Reason, Unknown, Verified

OFFLINE_DELAY = timedelta(minutes=5)
"""A gateway must be silent for this long before anybody is asked to look (on-delay, EEMUA 191)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that is wrong, or was."""

    code: str
    subject: str
    """What it is about, e.g. the actuator; with ``code`` it says which open alert is meant."""
    active: bool
    zone: str | None = None
    priority: Priority = Priority.MEDIUM
    parameters: dict[str, str] = field(default_factory=dict)
    since: datetime | None = None
    """When it began; None for now."""
    finding: str | None = None
    """What is believed of it, where there is a page of that."""
    once: bool = False
    """It comes from a sender that may repeat itself, late: ``since`` tells one occurrence from the next."""


def command_condition(command: Command, outcome: Outcome, zone: str) -> Condition | None:
    """What an outcome says about its actuator: failed and unknown are wrong, verified is right again, the rest says nothing."""
    match outcome:
        case Failed(detail=detail) | Unknown(detail=detail):
            parameters = {"value": f"{command.value_m:.2f} m", "detail": detail}
        case Verified():
            return Condition(code=COMMAND_FAILED, subject=command.actuator, active=False, zone=zone)
        case _:
            return None
    return Condition(
        code=COMMAND_FAILED, subject=command.actuator, active=True, zone=zone, priority=Priority.HIGH, parameters=parameters
    )


def quarantine_condition(code: str, subject: str, reasons: Sequence[Reason]) -> Condition | None:
    """What a gateway's alarm says of a meter (``DEVICE@END``): left alone until then, or no longer; None for any other alarm."""
    if code not in (METER_QUARANTINED, METER_RELEASED):
        return None
    meter, _, end = subject.partition("@")
    active = code == METER_QUARANTINED
    parameters = {"detail": "; ".join(reason.text for reason in reasons)[:300], "until": end} if active else {}
    return Condition(code=METER_QUARANTINE, subject=meter, active=active, parameters=parameters)


def gateway_conditions(gateways: Sequence[GatewayNow], now: datetime) -> tuple[Condition, ...]:
    """What is known of the gateways: wrong where one is offline for ``OFFLINE_DELAY`` or longer, right where it is online."""
    found = []
    for gateway in gateways:
        silent_for = now - gateway.since if not gateway.online and gateway.since is not None else None
        if silent_for is not None and silent_for < OFFLINE_DELAY:
            continue
        minutes = "" if silent_for is None else f"{silent_for.total_seconds() / 60:.0f} min"
        parameters = {"silent_for": minutes} if minutes else {}
        found.append(Condition(code=GATEWAY_OFFLINE, subject=gateway.edge, active=not gateway.online, parameters=parameters))
    return tuple(found)


def prefix(condition: Condition) -> str:
    """What the keys of a condition's alerts begin with; without a slash, so that a key can stand in an address."""
    return f"{condition.code}:{condition.subject.replace('/', '.')}:"


def condition_key(condition: Condition, now: datetime) -> str:
    """Key of the alert a condition opens: of this occurrence, where the sender tells them apart."""
    stamp = condition.since if condition.once and condition.since is not None else now
    return f"{prefix(condition)}{stamp.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def condition_alert(condition: Condition, now: datetime) -> Alert:
    """The alert a condition opens."""
    return Alert(
        key=condition_key(condition, now),
        code=condition.code,
        zone=condition.zone,
        priority=condition.priority,
        state=AlertState.UNACKNOWLEDGED,
        raised_at=now,
        updated_at=now,
        parameters={"subject": condition.subject, **condition.parameters},
        since=condition.since or now,
        finding=condition.finding,
    )


__all__ = [
    "COMMAND_FAILED",
    "GATEWAY_OFFLINE",
    "METER_QUARANTINE",
    "NOTIFY_FAILED",
    "NOTIFY_UNTESTED",
    "Condition",
    "command_condition",
    "condition_alert",
    "condition_key",
    "gateway_conditions",
    "prefix",
    "quarantine_condition",
]
