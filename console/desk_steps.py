"""Where an operator stands on the way from a wish to an outcome: what one actuator's desk shows."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from commands.selection import Accepted, Selection
from console.messages import OutcomeView
from domain.setpoints import Command, Mode, Reason
from domain.two_people import ApprovalRequest

MODE_HOURS = (1, 2, 4, 8, 12)
"""How long a manual mode may be asked for [process h]: never without an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStep:
    """One step: ``start``, ``proposed``, ``selected``, ``waiting`` (for a second person) or ``sent``."""

    name: str = "start"
    value: str = ""
    """As the operator typed it."""
    reason: str = ""
    refusals: tuple[str, ...] = field(default_factory=tuple)
    """Why the last step was refused, in the page's language."""
    accepted: Accepted | None = None
    selection: Selection | None = None
    seconds_left: float = 0.0
    """Wall seconds the selection still holds."""
    command: Command | None = None
    outcome: OutcomeView | None = None
    request: ApprovalRequest | None = None
    """What waits for a second person."""
    mode_done: bool = False
    """A mode was just set."""

    @property
    def number(self) -> int:
        """1 propose, 2 preview, 3 confirm, 4 outcome."""
        return {"start": 1, "proposed": 2, "selected": 3, "waiting": 3, "sent": 4}[self.name]


def parse_mode(text: str) -> Mode | Reason:
    """A mode people may choose; fallback is the site's own."""
    choices = {m.value: m for m in (Mode.MANUAL, Mode.ADVISORY, Mode.AUTO)}
    if text in choices:
        return choices[text]
    return Reason(code="unknown_mode", text=f"{text[:20]!r} is no mode; choose one of {', '.join(choices)}")


def mode_end(mode: Mode, hours: str, now: datetime) -> datetime | Reason | None:
    """When the mode ends: manual always does, the others do not."""
    if mode is not Mode.MANUAL:
        return None
    if hours not in {str(h) for h in MODE_HOURS}:
        return Reason(code="needs_end", text=f"manual needs an end: one of {', '.join(str(h) for h in MODE_HOURS)} hours")
    return now + timedelta(hours=int(hours))


def checked_reason(text: str) -> str | Reason:
    """The operator's reason: somebody will read it in the audit."""
    text = " ".join(text.split())
    if not text:
        return Reason(code="no_reason", text="say why, in words another operator can check")
    if len(text) > 300 or not text.isprintable():
        return Reason(code="reason_too_long", text="a reason has at most 300 printable characters")
    return text


class SelectionMemory:
    """The selections this console handed out, so that a value typed wrongly can be typed again while its time runs."""

    def __init__(self, limit: int = 500) -> None:
        self._limit = limit
        self._held: OrderedDict[str, Selection] = OrderedDict()

    def keep(self, selection: Selection) -> None:
        """Remembers a selection."""
        self._held[selection.selection_id] = selection
        while len(self._held) > self._limit:
            self._held.popitem(last=False)

    def find(self, selection_id: str, now_s: float) -> Selection | None:
        """The selection, if its time is not up at monotonic wall time ``now_s``."""
        found = self._held.get(selection_id)
        return found if found is not None and now_s < found.ends_at_s else None
