"""The desk's memory in a dictionary, with the promises of the real one: counters never twice, one outcome a command, hash chain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from enum import Enum
from typing import Any

from domain.audit import GENESIS, chain_hash
from domain.ports_commands import AuditRow, CommandRow, ModeRow
from domain.setpoints import Command, Outcome, PredictedEffect, Proposal, Reason, Witness, outcome_word


class MemoryCommandStore:
    """``CommandStore`` for tests. ``journal`` holds what happened, in order; a sender may write there too."""

    def __init__(self, journal: list[tuple[str, str]] | None = None) -> None:
        self.journal = journal if journal is not None else []
        self.rows: list[AuditRow] = []
        self.proposals: dict[str, tuple[Proposal, tuple[Reason, ...], PredictedEffect | None]] = {}
        self._commands: dict[str, CommandRow] = {}
        self._counters: dict[str, int] = {}
        self._modes: dict[str, ModeRow] = {}
        self._calls = 0

    async def _wait(self) -> None:
        """A database takes its time, now more, now less: others come in between."""
        self._calls += 1
        for _ in range(self._calls * 7 % 5):
            await asyncio.sleep(0)

    async def audit(self, *, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any]) -> AuditRow:
        await self._wait()
        return self._append(at, actor, action, subject, body)

    async def audit_rows(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditRow]:
        await self._wait()
        return [r for r in self.rows if r.sequence > after][:limit]

    async def audit_head(self) -> Witness | None:
        await self._wait()
        return Witness(sequence=self.rows[-1].sequence, hash=self.rows[-1].hash.hex()) if self.rows else None

    async def save_proposal(self, proposal: Proposal, refusals: Sequence[Reason], effect: PredictedEffect | None) -> None:
        await self._wait()
        assert proposal.proposal_id not in self.proposals
        action = "proposal_refused" if refusals else "propose"
        self._append(proposal.created_at, proposal.author, action, proposal.proposal_id, _json(asdict(proposal)))
        self.proposals[proposal.proposal_id] = (proposal, tuple(refusals), effect)

    async def next_counter(self, gateway: str) -> int:
        await self._wait()
        self._counters[gateway] = self._counters.get(gateway, 0) + 1
        return self._counters[gateway]

    async def save_command(self, command: Command) -> None:
        await self._wait()
        assert command.command_id not in self._commands
        self._append(command.issued_at, command.author, "command", command.command_id, _json(asdict(command)))
        self._commands[command.command_id] = CommandRow(
            command=command, state="pending", detail="", readback_m=None, finished_at=None
        )

    async def finish(self, outcome: Outcome) -> bool:
        await self._wait()
        row = self._commands.get(outcome.command_id)
        if row is None or row.state != "pending":
            return False
        word = outcome_word(outcome)
        self._append(outcome.at, "gateway", word, outcome.command_id, {"detail": getattr(outcome, "detail", "")})
        self._commands[outcome.command_id] = replace(
            row,
            state=word,
            detail=str(getattr(outcome, "detail", "")),
            readback_m=getattr(outcome, "readback_m", None),
            finished_at=outcome.at,
        )
        return True

    async def pending(self) -> Sequence[Command]:
        await self._wait()
        return [r.command for r in self._commands.values() if r.state == "pending"]

    async def commands(self, *, actuator: str | None = None, limit: int = 200) -> Sequence[CommandRow]:
        await self._wait()
        rows = [r for r in self._commands.values() if actuator is None or r.command.actuator == actuator]
        return list(reversed(rows))[:limit]

    async def modes(self) -> Mapping[str, ModeRow]:
        await self._wait()
        return dict(self._modes)

    async def set_mode(self, row: ModeRow, *, actor: str, at: datetime, reason: str) -> None:
        await self._wait()
        self._append(at, actor, "set_mode", row.actuator, {"mode": row.mode.value, "token": row.owner_token, "reason": reason})
        self._modes[row.actuator] = row

    def actions(self) -> list[str]:
        """The actions of the audit chain, in order."""
        return [r.action for r in self.rows]

    def _append(self, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any]) -> AuditRow:
        previous = self.rows[-1].hash if self.rows else GENESIS
        sequence = len(self.rows) + 1
        digest = chain_hash(previous, sequence=sequence, at=at, actor=actor, action=action, subject=subject, body=body)
        row = AuditRow(
            sequence=sequence,
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            body=body,
            previous_hash=previous,
            hash=digest,
        )
        self.rows.append(row)
        self.journal.append((action, subject))
        return row


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _json(v) for k, v in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
