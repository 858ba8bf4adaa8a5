"""An audit row edited, deleted, swapped or cut off is found 1,000 times of 1,000, also by who knows how hashes are made."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.anchors import FIRST, Anchor, Evidence, check_rows, make_anchor, parse_line
from domain.errors import DecodeError
from domain.ports_commands import AuditRow
from domain.setpoints import Command, Witness
from tests.support.audit_lies import KINDS, hashed_anew, lie
from tests.support.desk import any_command

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
DAY = datetime(2026, 5, 3, tzinfo=UTC)


def chain(length: int) -> list[AuditRow]:
    rows = []
    for n in range(1, length + 1):
        issued = n % 7 == 0
        body = {"value_m": 40.0, "n": n} | ({"command_id": f"c{n}"} if issued else {})
        rows.append(
            AuditRow(
                sequence=n,
                at=DAY + timedelta(minutes=n),
                actor="amina",
                action="command.issued" if issued else "mode.set",
                subject="prv",
                body=body,
                previous_hash=b"",
                hash=b"",
            )
        )
    return hashed_anew(rows)


def head(rows: list[AuditRow], length: int) -> Witness:
    return Witness(sequence=length, hash=rows[length - 1].hash.hex())


def anchored(rows: list[AuditRow], *lengths: int, key: Ed25519PrivateKey = KEY) -> list[Anchor]:
    made: list[Anchor] = []
    for length in lengths:
        previous = made[-1].digest if made else FIRST
        made.append(make_anchor(head(rows, length), at=DAY, previous=previous, key=key, key_id="audit"))
    return made


def orders(rows: list[AuditRow]) -> list[tuple[str, Command]]:
    """What a gateway's journal holds: each command with the end of the chain before it."""
    return [
        ("demo/gw-1", any_command(command_id=r.body["command_id"], witness=head(rows, r.sequence - 1)))
        for r in rows
        if r.action == "command.issued"
    ]


def evidence(rows: list[AuditRow], **changes: Any) -> Evidence:
    mark = make_anchor(head(rows, len(rows)), at=DAY, previous=FIRST, key=KEY, key_id="audit")
    full = Evidence(anchors=anchored(rows, 20, 45), copies=[mark], orders=orders(rows), keys=[KEY.public_key()])
    return replace(full, **changes)


def test_a_whole_chain_contradicts_nobody() -> None:
    rows = chain(60)
    assert check_rows(rows, evidence(rows)) == []
    grown = chain(60)[:60]
    assert check_rows(grown, Evidence(anchors=anchored(rows, 20), keys=[KEY.public_key()])) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_lie_is_found(kind: str) -> None:
    """125 of each of eight kinds: 1,000."""
    rows, lot, found = chain(60), random.Random(KINDS.index(kind)), 0
    known = evidence(rows)
    for _ in range(125):
        changed = lie(rows, kind, lot)
        assert changed != rows
        found += bool(check_rows(changed, known))
    assert found == 125


@pytest.mark.parametrize("kind", ["edit", "delete", "swap"])
def test_the_chain_alone_finds_who_knows_no_hashes(kind: str) -> None:
    rows, lot = chain(60), random.Random(1)
    changed = [lie(rows, kind, lot) for _ in range(100)]
    missed = sum(not check_rows(c, Evidence()) for c in changed)
    assert missed == sum(len(c) == 59 and c == rows[:59] for c in changed), "all but the last row taken off: that takes a witness"


def test_without_a_witness_a_cut_end_is_not_found_and_each_witness_alone_finds_it() -> None:
    rows = chain(60)
    short = rows[:40]
    assert check_rows(short, Evidence()) == []
    whole = evidence(rows)
    for alone in (
        replace(whole, copies=(), orders=()),
        replace(whole, anchors=(), orders=()),
        replace(whole, anchors=(), copies=()),
    ):
        assert check_rows(short, alone)


def test_a_journal_finds_a_command_that_the_audit_forgot_even_without_its_witness() -> None:
    rows = chain(60)
    known = Evidence(orders=[("demo/gw-1", any_command(command_id="never issued"))])
    assert "never issued" in check_rows(rows, known)[0]


def test_anchors_taken_out_exchanged_or_of_another_hand_are_found() -> None:
    rows = chain(60)
    made = anchored(rows, 10, 20, 30)
    keys = [KEY.public_key()]
    assert check_rows(rows, Evidence(anchors=made, keys=keys)) == []
    assert "does not follow" in check_rows(rows, Evidence(anchors=[made[0], made[2]], keys=keys))[0]
    assert "does not follow" in check_rows(rows, Evidence(anchors=made[1:], keys=keys))[0]
    assert "no signature" in check_rows(rows, Evidence(anchors=anchored(rows, 10, key=OTHER), keys=keys))[0]
    bent = replace(made[0], document=made[0].document.replace(b'"sequence":10', b'"sequence":11'))
    assert "no signature" in check_rows(rows, Evidence(anchors=[bent], keys=keys))[0]
    # The last one taken out of the database is found by its copy elsewhere.
    assert check_rows(rows[:25], Evidence(anchors=made[:2], copies=made, keys=keys))


def test_a_line_comes_back_as_it_was() -> None:
    (made,) = anchored(chain(10), 10)
    assert parse_line(made.line()) == made
    assert made.at == DAY
    for wrong in ("", "{}", "[]", '{"document": 1, "key_id": "", "signature": ""}', made.line()[:-5]):
        with pytest.raises(DecodeError):
            parse_line(wrong)
    assert "bad_anchor" in check_rows(chain(3), Evidence(copies=[replace(made, document=b"{}")], keys=[KEY.public_key()]))[0]
