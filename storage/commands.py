"""Durable memory of the desk (port ``CommandStore``): whatever changes here has its audit row in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, assert_never

from psycopg.types.json import Jsonb

from domain.errors import StorageError
from domain.ports_commands import AuditRow, CommandRow, ModeRow
from domain.setpoints import (
    Command,
    Expired,
    Failed,
    Mode,
    Outcome,
    PredictedEffect,
    Proposal,
    Reason,
    Refused,
    Source,
    Unknown,
    Verified,
    Witness,
    outcome_word,
)
from storage import audit
from storage.database import Database
from storage.reasons import plain_reason
from storage.sql import queries

_Q = queries("commands")


class PostgresCommands:
    """``CommandStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def audit(self, *, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any]) -> AuditRow:
        """Appends one row to the hash chain, alone in its transaction, and returns it after COMMIT."""
        async with self._database.transaction("write the audit") as connection:
            return await audit.append(connection, at=at, actor=actor, action=action, subject=subject, body=body)

    async def audit_rows(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditRow]:
        """Rows with sequence > ``after``, ascending."""
        async with self._database.transaction("read the audit") as connection:
            return await audit.rows_after(connection, after, limit)

    async def audit_head(self) -> Witness | None:
        """The end of the chain; None while it is empty."""
        async with self._database.transaction("read the end of the audit") as connection:
            return await audit.head(connection)

    async def save_proposal(self, proposal: Proposal, refusals: Sequence[Reason], effect: PredictedEffect | None) -> None:
        """Keeps a proposal and what the desk said to it, with its audit row."""
        said = [plain_reason(reason) for reason in refusals]
        values = _plain(asdict(proposal))
        effect_values = _plain(asdict(effect)) if effect else None
        async with self._database.transaction("save a proposal") as connection:
            await connection.execute(
                _Q["insert_proposal"],
                asdict(proposal)
                | {
                    "source": proposal.source.value,
                    "refusals": Jsonb(said),
                    "effect": Jsonb(effect_values) if effect_values is not None else None,
                },
            )
            await audit.append(
                connection,
                at=proposal.created_at,
                actor=proposal.author,
                action="proposal.refused" if said else "proposal.accepted",
                subject=proposal.actuator,
                body=values | {"refusals": said, "effect": effect_values},
            )

    async def next_counter(self, gateway: str) -> int:
        """The next command counter of a gateway: durable, never given twice."""
        async with self._database.transaction("take a command counter") as connection:
            row = await (await connection.execute(_Q["next_counter"], {"gateway": gateway})).fetchone()
        if row is None:
            raise StorageError(f"no command counter came back for gateway {gateway}")
        return int(row[0])

    async def save_command(self, command: Command) -> None:
        """Keeps a command as pending, with its audit row, before it is sent.

        Raises:
            StorageError: A command with this id, or this counter of the gateway, is there already.
        """
        async with self._database.transaction("save a command") as connection:
            witness = command.witness
            values = asdict(command) | {
                "source": command.source.value,
                "witness_sequence": witness.sequence if witness else None,
                "witness_hash": witness.hash if witness else None,
            }
            await connection.execute(_Q["insert_command"], values)
            await audit.append(
                connection,
                at=command.issued_at,
                actor=command.author,
                action="command.issued",
                subject=command.actuator,
                body=_plain(asdict(command)),
            )

    async def finish(self, outcome: Outcome) -> bool:
        """Sets the outcome of a pending command and audits it; False if there is no such pending command."""
        by, detail, readback = _outcome_parts(outcome)
        word = outcome_word(outcome)
        async with self._database.transaction("finish a command") as connection:
            row = await (
                await connection.execute(
                    _Q["finish_command"],
                    {"command_id": outcome.command_id, "state": word, "detail": detail, "readback_m": readback, "at": outcome.at},
                )
            ).fetchone()
            if row is None:
                return False
            await audit.append(
                connection,
                at=outcome.at,
                actor=by or str(row[0]),
                action=f"command.{word}",
                subject=outcome.command_id,
                body=_plain(asdict(outcome)),
            )
        return True

    async def pending(self) -> Sequence[Command]:
        """Commands without an outcome, oldest first."""
        async with self._database.transaction("read the pending commands") as connection:
            rows = await (await connection.execute(_Q["pending"])).fetchall()
        return tuple(_command(row) for row in rows)

    async def commands(self, *, actuator: str | None = None, limit: int = 200) -> Sequence[CommandRow]:
        """Commands with their outcome, newest first."""
        async with self._database.transaction("read the commands") as connection:
            rows = await (await connection.execute(_Q["commands"], {"actuator": actuator, "limit": limit})).fetchall()
        return tuple(
            CommandRow(command=_command(row[:-4]), state=row[-4], detail=row[-3], readback_m=row[-2], finished_at=row[-1])
            for row in rows
        )

    async def ordered(self, actuator: str, since: datetime, until: datetime) -> bool:
        """Whether an order, or the end of its lease, may have moved an actuator from ``since`` on and before ``until``."""
        values = {"actuator": actuator, "since": since, "until": until}
        async with self._database.transaction("look for orders") as connection:
            row = await (await connection.execute(_Q["ordered"], values)).fetchone()
        return bool(row and row[0])

    async def modes(self) -> Mapping[str, ModeRow]:
        """Mode and owner of each actuator that has ever had one set."""
        async with self._database.transaction("read the modes") as connection:
            rows = await (await connection.execute(_Q["modes"])).fetchall()
        return {
            actuator: ModeRow(
                actuator=actuator, mode=Mode(mode), until=until, owner=owner, owner_token=token, returns_to=Mode(returns_to)
            )
            for actuator, mode, until, owner, token, returns_to in rows
        }

    async def set_mode(self, row: ModeRow, *, actor: str, at: datetime, reason: str) -> None:
        """Sets mode and owner of an actuator, with its audit row.

        Raises:
            StorageError: The actuator has a newer owner.
        """
        values = _plain(asdict(row))
        async with self._database.transaction("set a mode") as connection:
            done = await (
                await connection.execute(_Q["set_mode"], asdict(row) | {"mode": row.mode.value, "returns_to": row.returns_to.value})
            ).fetchone()
            if done is None:
                raise StorageError(
                    f"{row.actuator}: owner token {row.owner_token} is older than the one stored; read the mode again"
                )
            await audit.append(
                connection, at=at, actor=actor, action="mode.set", subject=row.actuator, body=values | {"reason": reason}
            )


def _outcome_parts(outcome: Outcome) -> tuple[str, str, float | None]:
    """Who said it (empty for the gateway), details in words, value read back."""
    match outcome:
        case Verified(readback_m=readback):
            return "", "", readback
        case Refused(by=by, reasons=reasons):
            return by, "; ".join(reason.text for reason in reasons), None
        case Failed(detail=detail, readback_m=readback):
            return "", detail, readback
        case Unknown(detail=detail):
            return "desk", detail, None
        case Expired():
            return "", "", None
        case _:
            assert_never(outcome)


def _command(row: Sequence[Any]) -> Command:
    names = ("command_id", "actuator", "gateway", "device", "field", "value_m", "previous_m", "source", "author", "issued_at",
             "expires_at", "counter", "owner_token", "lease_s", "key_id", "emergency")  # fmt: skip
    values = dict(zip(names, row[:-2], strict=True))
    sequence, digest = row[-2:]
    witness = None if sequence is None else Witness(sequence=sequence, hash=digest)
    return Command(**values | {"source": Source(values["source"]), "witness": witness})


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Moments as RFC 3339, for JSON."""
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}
