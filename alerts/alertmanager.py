"""The formats of Prometheus Alertmanager: its webhook (version 4) in and out, and the alerts that are pushed to one. Pure.

In: each alert is one condition, known by its fingerprint; the labels ``alertname``, ``severity`` and ``zone`` and the annotations
``summary`` and ``description`` are used, the rest is not. Out: one alert of ours is one alert there, labelled with its own key, by
which it is known again and never taken in as somebody else's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.conditions import Condition
from alerts.definitions import EXTERNAL
from domain.alerts import Alert, Priority
from domain.errors import KhettaraError

VERSION = "4"
MOST_ALERTS = 500
LONGEST_TEXT = 300
OWN_LABEL = "khettara_alert"
SEVERITY: Mapping[str, Priority] = {
    "critical": Priority.HIGH,
    "page": Priority.HIGH,
    "high": Priority.HIGH,
    "error": Priority.MEDIUM,
    "warning": Priority.MEDIUM,
    "medium": Priority.MEDIUM,
    "info": Priority.LOW,
    "low": Priority.LOW,
    "none": Priority.LOW,
}
HOLDS_FOR = timedelta(days=30)
"""Alertmanager forgets a firing alert that nobody repeats: so we say how long it holds, and that it is over when it is."""
_FINGERPRINT = re.compile(r"[0-9a-f]{8,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class BadPayload(KhettaraError):
    """What was sent is no webhook of version 4; the text says where it is wrong, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """What a webhook says."""

    conditions: tuple[Condition, ...]
    ignored: tuple[str, ...]
    """Why an alert of it, or a part of one, was left out."""


def read_webhook(document: object, zones: Collection[str]) -> Inbound:
    """The conditions of a webhook.

    Args:
        document: The parsed JSON.
        zones: Keys of the site's zones; another one in the label ``zone`` is left out.

    Raises:
        BadPayload: With the path of the first thing that is wrong.
    """
    body = _object(document, "the body")
    if body.get("version") != VERSION:
        raise _bad("version", body.get("version"), f'"{VERSION}", the version of the webhook format')
    alerts = body.get("alerts")
    if not isinstance(alerts, list):
        raise _bad("alerts", alerts, "a list of alerts")
    if len(alerts) > MOST_ALERTS:
        raise _bad("alerts", f"{len(alerts)} alerts", f"at most {MOST_ALERTS}; set max_alerts in the receiver")
    conditions: list[Condition] = []
    ignored: list[str] = []
    for number, entry in enumerate(alerts):
        path = f"alerts[{number}]"
        alert = _object(entry, path)
        labels, annotations = _texts(alert, "labels", path), _texts(alert, "annotations", path)
        condition = _condition(alert, labels, annotations, zones, path)
        if OWN_LABEL in labels:
            ignored.append(f"{path}: our own alert, come back")
            continue
        if labels.get("zone") and condition.zone is None:
            ignored.append(f"{path}.labels.zone: {_shown(labels['zone'])} is no zone of this site; the alert belongs to none")
        conditions.append(condition)
    truncated = body.get("truncatedAlerts", 0)
    if isinstance(truncated, int) and not isinstance(truncated, bool) and truncated > 0:
        ignored.append(f"{truncated} alerts were left out by the sender (max_alerts)")
    return Inbound(conditions=tuple(conditions), ignored=tuple(ignored))


def as_pushed(alert: Alert, title: str, text: str, now: datetime, link: str = "") -> dict[str, Any]:
    """An alert of ours as ``POST /api/v2/alerts`` takes it: firing, or over."""
    over = not alert.active
    begin = alert.since or alert.raised_at
    end = max(alert.updated_at, begin) if over else now + HOLDS_FOR
    pushed: dict[str, Any] = {
        "labels": _labels(alert),
        "annotations": {"summary": title, "description": text},
        "startsAt": _time(begin),
        "endsAt": _time(end),
    }
    return pushed | ({"generatorURL": link} if link else {})


def as_webhook(alert: Alert, title: str, text: str, key: str, link: str = "") -> dict[str, Any]:
    """An alert of ours as an Alertmanager would send it to a receiver."""
    labels = _labels(alert)
    annotations = {"summary": title, "description": text}
    status = "firing" if alert.active else "resolved"
    begin = alert.since or alert.raised_at
    entry = {
        "status": status,
        "labels": labels,
        "annotations": annotations,
        "startsAt": _time(begin),
        "endsAt": "0001-01-01T00:00:00Z" if alert.active else _time(max(alert.updated_at, begin)),
        "generatorURL": link,
        "fingerprint": fingerprint(labels),
    }
    return {
        "version": VERSION,
        "groupKey": key,
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "khettara",
        "groupLabels": {"alertname": labels["alertname"]},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": link,
        "alerts": [entry],
    }


def fingerprint(labels: Mapping[str, str]) -> str:
    """A name for a set of labels, where the sender gives none; not the one Alertmanager computes, but as stable."""
    text = "\xff".join(f"{k}\xfe{v}" for k, v in sorted(labels.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _condition(
    alert: Mapping[str, Any], labels: Mapping[str, str], annotations: Mapping[str, str], zones: Collection[str], path: str
) -> Condition:
    status = alert.get("status")
    if status not in ("firing", "resolved"):
        raise _bad(f"{path}.status", status, '"firing" or "resolved"')
    mark = alert.get("fingerprint") or fingerprint(labels)
    if not isinstance(mark, str) or _FINGERPRINT.fullmatch(mark) is None:
        raise _bad(f"{path}.fingerprint", mark, "8 to 64 hexadecimal digits")
    name = labels.get("alertname", "")
    if not name.strip():
        raise _bad(f"{path}.labels.alertname", name, "the name of the alert")
    summary = annotations.get("summary") or annotations.get("description") or annotations.get("message") or ""
    return Condition(
        code=EXTERNAL,
        subject=mark,
        active=status == "firing",
        zone=labels["zone"] if labels.get("zone") in zones else None,
        priority=SEVERITY.get(labels.get("severity", "").lower(), Priority.MEDIUM),
        parameters={"name": _clean(name), "summary": _clean(summary)},
        since=_moment(alert.get("startsAt"), f"{path}.startsAt"),
        once=True,
    )


def _labels(alert: Alert) -> dict[str, str]:
    severity = {Priority.HIGH: "critical", Priority.MEDIUM: "warning", Priority.LOW: "info"}[alert.priority]
    found = {"alertname": alert.code, "severity": severity, OWN_LABEL: alert.key}
    return found | ({"zone": alert.zone} if alert.zone else {})


def _object(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _bad(path, value, "an object")
    return value


def _texts(alert: Mapping[str, Any], name: str, path: str) -> Mapping[str, str]:
    found = alert.get(name, {})
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise _bad(f"{path}.{name}", found, "an object of texts")
    return found


def _moment(value: object, path: str) -> datetime:
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value)) if isinstance(value, str) else None
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):  # no time, or one that no calendar has
        pass
    raise _bad(path, value, "a time by RFC 3339 with its offset, such as 2026-05-06T09:00:00Z")


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clean(text: str) -> str:
    """One line without control or direction marks: what others send must not draw on our pages."""
    line = _CONTROL.sub(" ", text.encode("utf-8", "replace").decode("utf-8")).strip()
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def _bad(path: str, value: object, expected: str) -> BadPayload:
    return BadPayload(f"{path} is {_shown(value)}; expected {expected}")


def _shown(value: object) -> str:
    return _clean(repr(value)[:80])


def summary_of(inbound: Sequence[Condition]) -> dict[str, int]:
    """How many of each status, for the answer."""
    firing = sum(c.active for c in inbound)
    return {"firing": firing, "resolved": len(inbound) - firing}
