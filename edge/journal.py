"""What the gateway remembers of commands: durable before anything moves, so that nothing moves twice.

    received (counter, token) ─▶ started ─▶ one outcome ─▶ acknowledged by the centre
        └───────────────▶ refused or expired

Counter and token are durable with the first row. A command that is started and has no outcome after a crash is read back, never
executed again. Every call blocks; ``DatabaseThread`` keeps it off the event loop.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from domain.errors import ConfigurationError, DecodeError
from domain.setpoints import Command, Outcome, Reason, Refused
from edge.database import transaction
from protocols.sparkplug.commands import decode_result, encode_result, parse_document
from protocols.sparkplug.payload import decode

_KEEP_MS = 30 * 86_400_000
_REPEAT_MS = 7 * 86_400_000
_DAY_MS = 86_400_000


class State(StrEnum):
    """How far a command has come."""

    RECEIVED = "received"
    STARTED = "started"
    DONE = "done"
    FALLBACK = "fallback"
    """Not a command: the gateway itself took the safe value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What the journal says to a command that is authentic."""

    known: bool
    """It has been here before: it is answered, not executed."""
    acknowledged: bool = False
    """The centre has its outcome and asks no more: who sends it again is not the desk."""
    outcome: Outcome | None = None
    """How it ended, where it has: a new command has none, unless its counter or owner is stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActuatorMemory:
    """What is durable of one actuator."""

    owner_token: int
    moved_at: datetime | None
    lease_until: datetime | None
    """None after the safe value was taken: there is nothing left to end."""
    moves_in_day: int = 0
    """Moves in the 24 h before the moment asked about."""


class Journal:
    """The command part of the gateway's database."""

    def __init__(self, connection: sqlite3.Connection, *, node: str) -> None:
        self._db = connection
        self._node = node

    # ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def admit(self, command: Command, document: bytes, now: datetime) -> Admission:
        """Takes an authentic command once. Its counter must be new and its owner not older than the last."""
        with transaction(self._db) as db:
            row = db.execute("SELECT outcome, acked FROM journal WHERE command_id = ?", (command.command_id,)).fetchone()
            if row is not None:
                return Admission(known=True, outcome=_outcome(row[0]), acknowledged=bool(row[1]))
            reasons = self._stale(command)
            outcome = Refused(command_id=command.command_id, at=now, by=self._node, reasons=reasons) if reasons else None
            self._insert(command.command_id, command.device, command.actuator, State.RECEIVED, document, now, outcome)
            db.execute(
                "INSERT INTO meta VALUES ('counter', ?) ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
                (command.counter,),
            )
            db.execute(
                "INSERT INTO actuator (key, owner_token) VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET owner_token = max(owner_token, excluded.owner_token)",
                (command.actuator, command.owner_token),
            )
        return Admission(known=False, outcome=outcome)

    def start(self, command: Command, *, now: datetime, moves: bool, lease_until: datetime | None = None) -> None:
        """Durable before the write: from here on the command is never executed again, and the actuator is under a lease.

        A lease that runs already stays: only a verified command prolongs it. Without one the write could go through unconfirmed, or
        take effect late, and what nobody has verified would stand for ever.
        """
        with transaction(self._db) as db:
            db.execute(
                "UPDATE journal SET state = ?, at_ms = ? WHERE command_id = ?", (State.STARTED, _ms(now), command.command_id)
            )
            if moves:
                self._moved(command.actuator, now)
            if lease_until is not None:
                db.execute(
                    "UPDATE actuator SET lease_until_ms = coalesce(lease_until_ms, ?) WHERE key = ?",
                    (_ms(lease_until), command.actuator),
                )

    def finish(self, actuator: str, outcome: Outcome, *, now: datetime, lease_until: datetime | None = None) -> None:
        """The command's one outcome, and the new end of the lease if it was verified."""
        with transaction(self._db) as db:
            db.execute(
                "UPDATE journal SET state = ?, at_ms = ?, outcome = ? WHERE command_id = ? AND outcome IS NULL",
                (State.DONE, _ms(now), _text(outcome), outcome.command_id),
            )
            if lease_until is not None:
                db.execute("UPDATE actuator SET lease_until_ms = ? WHERE key = ?", (_ms(lease_until), actuator))

    def unfinished(self) -> tuple[tuple[State, Command], ...]:
        """Commands that a crash left without outcome, oldest first."""
        rows = self._db.execute(
            "SELECT state, document FROM journal WHERE outcome IS NULL AND state != ? ORDER BY at_ms", (State.FALLBACK,)
        )
        return tuple((State(state), parse_document(document)) for state, document in rows)

    def results(self, now: datetime, limit: int = 50) -> tuple[tuple[str, Outcome], ...]:
        """(device, outcome) of commands whose result the centre has not acknowledged, for a week at most."""
        rows = self._db.execute(
            "SELECT device, outcome FROM journal WHERE outcome IS NOT NULL AND acked = 0 AND at_ms > ? ORDER BY at_ms LIMIT ?",
            (_ms(now) - _REPEAT_MS, limit),
        )
        return tuple((device, outcome) for device, text in rows if (outcome := _outcome(text)) is not None)

    def acknowledge(self, command_id: str) -> None:
        """The centre has the result."""
        self._db.execute("UPDATE journal SET acked = 1 WHERE command_id = ?", (command_id,))

    def repeat(self, command_id: str) -> None:
        """The centre asks again: the result is to be sent again."""
        self._db.execute("UPDATE journal SET acked = 0 WHERE command_id = ? AND outcome IS NOT NULL", (command_id,))

    def purge(self, now: datetime) -> None:
        """Forgets what ended a month ago; the counter stays, so none of it can come back."""
        self._db.execute("DELETE FROM journal WHERE outcome IS NOT NULL AND at_ms < ?", (_ms(now) - _KEEP_MS,))
        self._db.execute("DELETE FROM move WHERE at_ms < ?", (_ms(now) - 2 * _DAY_MS,))

    # ── actuators ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def actuator(self, key: str, now: datetime | None = None) -> ActuatorMemory:
        """What is durable of an actuator; all zero if nothing is. Moves of a day are counted where ``now`` is given."""
        row = self._db.execute("SELECT owner_token, moved_ms, lease_until_ms FROM actuator WHERE key = ?", (key,)).fetchone()
        if row is None:
            return ActuatorMemory(owner_token=0, moved_at=None, lease_until=None)
        moves = 0
        if now is not None:
            asked = "SELECT count(*) FROM move WHERE actuator = ? AND at_ms > ?"
            moves = int(self._db.execute(asked, (key, _ms(now) - _DAY_MS)).fetchone()[0])
        return ActuatorMemory(owner_token=row[0], moved_at=_time(row[1]), lease_until=_time(row[2]), moves_in_day=moves)

    def first_sight(self, key: str, lease_until: datetime) -> None:
        """An actuator the gateway has never seen gets one lease: whatever it is set to does not stay for ever."""
        self._db.execute(
            "INSERT INTO actuator (key, lease_until_ms, seen) VALUES (?, ?, 1) ON CONFLICT (key) DO UPDATE "
            "SET lease_until_ms = coalesce(lease_until_ms, excluded.lease_until_ms), seen = 1 WHERE seen = 0",
            (key, _ms(lease_until)),
        )

    def fell_back(self, key: str, device: str, outcome: Outcome, *, now: datetime, verified: bool) -> None:
        """The gateway took the safe value, or tried to; only a verified one ends the lease."""
        with transaction(self._db) as db:
            self._insert(outcome.command_id, device, key, State.FALLBACK, b"", now, outcome, acked=True)
            if verified:
                self._moved(key, now)
                db.execute("UPDATE actuator SET lease_until_ms = NULL WHERE key = ?", (key,))

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _moved(self, key: str, now: datetime) -> None:
        self._db.execute("UPDATE actuator SET moved_ms = ? WHERE key = ?", (_ms(now), key))
        self._db.execute("INSERT OR IGNORE INTO move (actuator, at_ms) VALUES (?, ?)", (key, _ms(now)))

    def _stale(self, command: Command) -> tuple[Reason, ...]:
        row = self._db.execute("SELECT value FROM meta WHERE key = 'counter'").fetchone()
        last = 0 if row is None else int(row[0])
        token = self.actuator(command.actuator).owner_token
        reasons = []
        if command.counter <= last:
            numbers = {"counter": float(command.counter), "last_counter": float(last)}
            text = f"counter {command.counter} is not above {last}, the last one seen"
            reasons.append(Reason(code="old_counter", text=text, parameters=numbers))
        if command.owner_token < token:
            text = f"owner token {command.owner_token} is older than {token}: another owner has taken over"
            numbers = {"token": float(command.owner_token), "newest_token": float(token)}
            reasons.append(Reason(code="old_owner", text=text, parameters=numbers))
        return tuple(reasons)

    def _insert(
        self,
        command_id: str,
        device: str,
        actuator: str,
        state: State,
        document: bytes,
        now: datetime,
        outcome: Outcome | None,
        *,
        acked: bool = False,
    ) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO journal (command_id, device, actuator, state, document, at_ms, outcome, acked) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (command_id, device, actuator, state, document, _ms(now), None if outcome is None else _text(outcome), int(acked)),
        )


def read_orders(path: Path) -> tuple[str, tuple[Command, ...]]:
    """(gateway, commands) in a copy of a gateway's ``spool.db``, oldest first: a witness of what the centre ordered.

    The running gateway holds its file alone: copy it while the gateway is stopped, together with ``spool.db-wal`` if that is there.

    Raises:
        ConfigurationError: No such file, or no gateway's.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT document FROM journal WHERE length(document) > 0 ORDER BY at_ms").fetchall()
        orders = tuple(parse_document(document) for (document,) in rows)
    except (sqlite3.Error, DecodeError) as error:
        raise ConfigurationError(
            file=str(path), key="journal", value=str(error), expected="a copy of a gateway's spool.db"
        ) from None
    return (orders[0].gateway if orders else path.name), orders


def _text(outcome: Outcome) -> bytes:
    """The outcome in the form of the wire, so that one codec is enough."""
    return encode_result(outcome, seq=0, timestamp_ms=_ms(outcome.at))


def _outcome(text: bytes | None) -> Outcome | None:
    return None if text is None else decode_result(decode(text))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _time(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
