"""What somebody with every right on the database may do to the audit chain."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from domain.audit import GENESIS, chain_hash
from domain.ports_commands import AuditRow

KINDS = ("edit", "delete", "swap", "cut", "edit and hash anew", "delete and hash anew", "swap and hash anew", "cut and grow anew")
"""The last four know how the hashes are made."""


def lie(rows: Sequence[AuditRow], kind: str, lot: random.Random) -> list[AuditRow]:
    """The chain after the deed; never what it was."""
    changed = list(rows)
    deed, _, anew = kind.partition(" and ")
    at = lot.randrange(len(rows))
    if deed == "edit":
        changed[at] = _edited(changed[at], lot.randrange(5 if anew else 6), lot)
    elif deed == "delete":
        del changed[at]
    elif deed == "swap":
        other = (at + lot.randrange(1, len(rows))) % len(rows)
        one, two = changed[at], changed[other]
        changed[at] = replace(two, sequence=one.sequence, previous_hash=one.previous_hash, hash=one.hash)
        changed[other] = replace(one, sequence=two.sequence, previous_hash=two.previous_hash, hash=two.hash)
    else:
        del changed[-lot.randrange(1, len(rows)) :]
        if anew:
            changed += [replace(r, actor="nobody") for r in rows[len(changed) :][: lot.randrange(0, len(rows))]]
    return hashed_anew(changed) if anew else changed


def _edited(row: AuditRow, what: int, lot: random.Random) -> AuditRow:
    match what:
        case 0:
            return replace(row, actor=row.actor + "x")
        case 1:
            return replace(row, action="proposal.accepted" if row.action != "proposal.accepted" else "x")
        case 2:
            return replace(row, at=row.at + timedelta(microseconds=1))
        case 3:
            return replace(row, body={**row.body, "value_m": lot.random()})
        case 4:
            return replace(row, subject=row.subject + " ")
        case _:
            return replace(row, hash=bytes([row.hash[0] ^ 1]) + row.hash[1:])


def hashed_anew(rows: Sequence[AuditRow]) -> list[AuditRow]:
    """The same content as a chain without a fault."""
    done: list[AuditRow] = []
    for sequence, row in enumerate(rows, 1):
        previous = done[-1].hash if done else GENESIS
        digest = chain_hash(
            previous, sequence=sequence, at=row.at, actor=row.actor, action=row.action, subject=row.subject, body=row.body
        )
        done.append(replace(row, sequence=sequence, previous_hash=previous, hash=digest))
    return done
