"""What an actuator's last commands say about it. Pure: rows in, facts out, so that a restart of the desk forgets nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.ports_commands import CommandRow
from domain.setpoints import Command, Source

PENDING = "pending"
_DID_NOTHING = frozenset({"refused", "expired"})
MAY_HAVE_MOVED = frozenset({"verified", "failed", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Facts from the newest commands of one actuator."""

    pending: tuple[Command, ...] = ()
    """Oldest first."""
    last_move_at: datetime | None = None
    """When the newest command that moved, or may have moved, the actuator ended. Renewals move nothing."""
    verified: CommandRow | None = None
    """The newest command that was verified, renewals included: its value is in force until its lease ends."""
    unknown: CommandRow | None = None
    """The newest command with outcome unknown, unless one was verified after it."""
    last_move: CommandRow | None = None
    """The newest command, if it was a move and was verified: a later one would hide what it did."""
    moved_at: tuple[datetime, ...] = ()
    """When each command that moved, or may have moved, the actuator ended."""
    renewal_tried_at: datetime | None = None
    """When the newest renewal was issued, whatever became of it."""

    @property
    def lease_from(self) -> datetime | None:
        """When the present lease began."""
        return self.verified.finished_at if self.verified else None

    def moves_since(self, moment: datetime) -> int:
        """Moves, or what may have been moves, after a moment."""
        return sum(m > moment for m in self.moved_at)

    @property
    def unknown_at(self) -> datetime | None:
        """When the desk gave up waiting for the answer of ``unknown``."""
        return self.unknown.finished_at if self.unknown else None


def read_history(rows: Sequence[CommandRow]) -> History:
    """The facts in these rows.

    Args:
        rows: Commands of one actuator, newest first.
    """
    ended = [r for r in rows if r.state != PENDING and r.finished_at is not None]
    moves = [r.finished_at for r in ended if r.state in MAY_HAVE_MOVED and r.command.source is not Source.RENEWAL]
    verified = [r for r in ended if r.state == "verified"]
    newest_verified = max(verified, key=_finished, default=None)
    unknown = max((r for r in ended if r.state == "unknown"), key=_finished, default=None)
    if unknown is not None and newest_verified is not None and _finished(newest_verified) > _finished(unknown):
        unknown = None
    return History(
        pending=tuple(r.command for r in reversed(rows) if r.state == PENDING),
        last_move_at=max((m for m in moves if m is not None), default=None),
        verified=newest_verified,
        unknown=unknown,
        last_move=_last_move(rows),
        moved_at=tuple(m for m in moves if m is not None),
        renewal_tried_at=max((r.command.issued_at for r in rows if r.command.source is Source.RENEWAL), default=None),
    )


def _last_move(rows: Sequence[CommandRow]) -> CommandRow | None:
    newest = next((r for r in rows if r.command.source is not Source.RENEWAL and r.state not in _DID_NOTHING), None)
    return newest if newest is not None and newest.state == "verified" else None


def _finished(row: CommandRow) -> datetime:
    if row.finished_at is None:
        raise ValueError(f"command {row.command.command_id} has state {row.state} but no end")
    return row.finished_at
