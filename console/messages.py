"""Codes into sentences of three languages: refusals, outcomes, alerts.

Refusal reasons come with a stable code and a plain English text that holds the numbers. A catalogue's sentence takes those
numbers in the order of the English text, as ``{n0}``, ``{n1}`` …; where a code is unknown, or the text holds fewer numbers than the
sentence needs, the English text is shown as it is: a reason is never lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import assert_never

from alerts.places import PIPE, REGION
from console.i18n import Texts
from console.numbers import moment, number
from console.snapshot import RANK, UNSEEN
from domain.alerts import Alert
from domain.errors import CodedError
from domain.ports_commands import CommandRow
from domain.setpoints import Expired, Failed, Outcome, Reason, Refused, Unknown, Verified, outcome_word

_NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?\d+(?:\.\d+)?(?![\w])")
_MEASURED = re.compile(r"[±]?\d+(?:\.\d+)?(?= )")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z")
_PLACE = re.compile(r"\{n(\d+)\}")


def reason_text(texts: Texts, reason: Reason) -> str:
    """One refusal reason in the page's language."""
    sentence = texts.entries.get(f"reason.{reason.code}")
    if sentence is None:
        return reason.text or reason.code
    found = [localised(text, texts.language) for text in _NUMBER.findall(reason.text)]
    needed = {int(i) for i in _PLACE.findall(sentence)}
    if needed and max(needed) >= len(found):
        return reason.text
    return _PLACE.sub(lambda match: found[int(match.group(1))], sentence)


def reason_texts(texts: Texts, reasons: Iterable[Reason]) -> list[str]:
    """Every reason in the page's language."""
    return [reason_text(texts, reason) for reason in reasons]


def refusal_text(texts: Texts, group: str, refused: CodedError) -> str:
    """What cannot be done, in the page's language: the catalogue's ``<group>.<code>``, else the English text with its numbers."""
    return texts.find(f"{group}.{refused.code}") or str(refused)


def localised(text: str, language: str) -> str:
    """A plain number as this language writes it; anything else unchanged."""
    sign, plain = ("±", text[1:]) if text.startswith("±") else ("", text)
    try:
        value = float(plain.replace("\u2212", "-"))
    except ValueError:
        return text
    return sign + number(value, len(plain.partition(".")[2]), language)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeView:
    """What became of a command, ready to show."""

    word: str
    """``verified``, ``refused``, ``expired``, ``failed``, ``unknown`` or ``pending``."""
    title: str
    lines: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether the actuator is where it was sent."""
        return self.word == "verified"


def outcome_view(texts: Texts, outcome: Outcome) -> OutcomeView:
    """An outcome in the page's language."""
    lines: tuple[str, ...]
    match outcome:
        case Verified():
            lines = (texts("outcome.readback", value=number(outcome.readback_m, 2, texts.language)),)
        case Refused():
            lines = tuple(reason_texts(texts, outcome.reasons))
        case Expired():
            lines = (texts("outcome.expired_why"),)
        case Failed():
            lines = (texts("outcome.failed_why"), *_readback(texts, outcome.readback_m), *_detail(outcome.detail))
        case Unknown():
            lines = (texts("outcome.unknown_why"), *_detail(outcome.detail))
        case _:
            assert_never(outcome)
    word = outcome_word(outcome)
    return OutcomeView(word=word, title=texts(f"outcome.{word}"), lines=lines)


def command_view(texts: Texts, row: CommandRow) -> OutcomeView:
    """The same from a kept command: for pages opened after the answer came."""
    title = texts.find(f"outcome.{row.state}") or row.state
    lines = (*_readback(texts, row.readback_m), *_detail(row.detail))
    return OutcomeView(word=row.state, title=title, lines=lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertText:
    """An alert in the page's language."""

    title: str
    advice: str
    """What to do; empty where the catalogue has none."""
    evidence: tuple[tuple[str, str], ...]
    """(name, value with unit) of each number the alert rests on."""


def alert_text(texts: Texts, alert: Alert, local: tzinfo) -> AlertText:
    """Title, advice and evidence of an alert; an unknown code shows itself. Of several leaks in a zone the pipe tells which."""
    title, pipe = texts.find(f"alert.{alert.code}.title", **alert.parameters) or alert.code, alert.parameters.get(PIPE)
    return AlertText(
        title=f"{title} · {pipe}" if pipe else title,
        advice=texts.find(f"alert.{alert.code}.advice", **alert.parameters) or "",
        evidence=evidence(texts, alert.parameters, local),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """An alert with its text and rank."""

    alert: Alert
    text: AlertText
    rank: int
    """1 high, 2 medium, 3 low."""

    @property
    def unseen(self) -> bool:
        """Nobody has acknowledged it yet."""
        return self.alert.state in UNSEEN


def alert_rows(texts: Texts, alerts: Iterable[Alert], local: tzinfo) -> list[AlertRow]:
    """Alerts in the order of an operator's eye: unseen first, then worst, then newest."""
    rows = [AlertRow(alert=a, text=alert_text(texts, a, local), rank=RANK[a.priority]) for a in alerts]
    return sorted(rows, key=lambda r: (not r.unseen, r.rank, -r.alert.raised_at.timestamp()))


def evidence(texts: Texts, parameters: Mapping[str, str], local: tzinfo) -> tuple[tuple[str, str], ...]:
    """Parameters of an alert: names translated where they are known, numbers and times as this language and place write them."""
    return tuple(
        (texts.find(f"evidence.{name}") or name.replace("_", " "), _evidence_value(texts, name, value, local))
        for name, value in parameters.items()
        if name != REGION
    )


def _evidence_value(texts: Texts, name: str, value: str, local: tzinfo) -> str:
    if name == "detectors":
        return ", ".join(texts.find(f"detector.{d}") or d for d in value.split(", "))
    if _MOMENT.fullmatch(value):
        return moment(datetime.fromisoformat(value), local)
    if not _MEASURED.match(value):
        return value
    said = _MEASURED.sub(lambda m: localised(m.group(0), texts.language), value)
    return said.replace("m³/d", texts("unit.m3_d"))


def _readback(texts: Texts, value: float | None) -> tuple[str, ...]:
    return () if value is None else (texts("outcome.readback", value=number(value, 2, texts.language)),)


def _detail(detail: str) -> tuple[str, ...]:
    return (detail,) if detail else ()
