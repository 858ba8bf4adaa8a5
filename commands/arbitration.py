"""Who owns an actuator: one owner at a time, a growing token, and people before laws.

Each change of mode or owner raises the token by one. A command carries the token of the moment it was issued, and the edge refuses
a token older than the newest it has seen: so an order of a former owner never acts after one of the present owner.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.ports_commands import ModeRow
from domain.setpoints import Command, Mode, Reason, Source

LAW_OWNER = "law"
"""Owner of an actuator that no person has taken."""


def first_row(actuator: str, mode: Mode = Mode.ADVISORY) -> ModeRow:
    """Ownership of an actuator nobody has ever touched."""
    return ModeRow(actuator=actuator, mode=mode, until=None, owner=LAW_OWNER, owner_token=1, returns_to=mode)


def change(row: ModeRow, *, mode: Mode, owner: str, until: datetime | None) -> ModeRow:
    """Ownership after somebody sets a mode.

    A manual mode remembers the last mode that was neither manual nor fallback; any other mode belongs to the law and has no end.
    """
    manual = mode is Mode.MANUAL
    owner = owner if manual else LAW_OWNER
    moved = (mode, owner) != (row.mode, row.owner)
    return replace(
        row,
        mode=mode,
        owner=owner,
        until=until if manual else None,
        owner_token=row.owner_token + 1 if moved else row.owner_token,
        returns_to=_remembered(row) if manual else mode,
    )


def _remembered(row: ModeRow) -> Mode:
    if row.mode is Mode.MANUAL:
        return row.returns_to
    return Mode.ADVISORY if row.mode is Mode.FALLBACK else row.mode


def take_manual(row: ModeRow, user: str, until: datetime) -> ModeRow:
    """Ownership after a person's order: theirs until ``until``, or longer where they already had it longer."""
    if row.mode is Mode.MANUAL and row.owner == user and row.until is not None:
        until = max(until, row.until)
    return change(row, mode=Mode.MANUAL, owner=user, until=until)


def is_over(row: ModeRow, now: datetime) -> bool:
    """Whether a manual mode has come to its end."""
    return row.mode is Mode.MANUAL and row.until is not None and now >= row.until


def give_back(row: ModeRow) -> ModeRow:
    """Ownership after a manual mode has ended: as it was before."""
    return change(row, mode=row.returns_to, owner=LAW_OWNER, until=None)


def pre_empts(source: Source, pending: Command) -> bool:
    """Whether a wish of this source may be ordered although ``pending`` has no outcome yet: people go before laws and renewals."""
    return source is Source.OPERATOR and pending.source is not Source.OPERATOR


def is_superseded(command: Command, others: tuple[Command, ...]) -> bool:
    """Whether a newer owner has ordered the same actuator: the older order must not reach the gateway before the newer one."""
    return any(o.actuator == command.actuator and o.owner_token > command.owner_token for o in others)


def bad_end(mode: Mode, until: datetime | None, now: datetime, *, longest_s: float) -> tuple[Reason, ...]:
    """Why manual cannot end at this moment: it must end, and within ``longest_s`` process seconds. Empty where it can."""
    if mode is not Mode.MANUAL or until is None:
        return ()
    if until.tzinfo is not None and 0 < (until - now).total_seconds() <= longest_s:
        return ()
    return (Reason(code="bad_end", text=f"manual until {until.isoformat()}: it must end within the next {longest_s / 3600:.0f} h"),)
