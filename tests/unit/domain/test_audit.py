"""Any edit of the chain is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.audit import GENESIS, chain_hash, verify_chain
from domain.ports_commands import AuditRow


def chain(n: int) -> list[AuditRow]:
    rows: list[AuditRow] = []
    previous = GENESIS
    for i in range(1, n + 1):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=i)
        body = {"value_m": 30.0 + i, "note": "é"}
        digest = chain_hash(previous, sequence=i, at=at, actor="law", action="command", subject="prv1", body=body)
        rows.append(
            AuditRow(
                sequence=i, at=at, actor="law", action="command", subject="prv1", body=body, previous_hash=previous, hash=digest
            )
        )
        previous = digest
    return rows


def test_a_whole_chain_holds() -> None:
    assert verify_chain(chain(20)) is None


@given(st.integers(0, 9), st.sampled_from(["actor", "action", "subject", "body", "at", "hash", "previous_hash", "sequence"]))
def test_an_edit_is_found(index: int, field: str) -> None:
    rows = chain(10)
    edits: dict[str, Any] = {
        "actor": "mallory", "action": "none", "subject": "prv2", "body": {"value_m": 99.0}, "at": datetime(2027, 1, 1, tzinfo=UTC),
        "hash": bytes(32), "previous_hash": b"\x01" * 32, "sequence": 77,
    }  # fmt: skip
    rows[index] = replace(rows[index], **{field: edits[field]})
    assert verify_chain(rows) is not None


@given(st.integers(0, 9), st.integers(0, 9))
def test_a_missing_or_swapped_row_is_found(i: int, j: int) -> None:
    rows = chain(10)
    if i == j:
        del rows[i]
        expected_whole = i == 9  # cutting the end is seen only by the signed anchor, not by the chain itself
    else:
        rows[i], rows[j] = rows[j], rows[i]
        expected_whole = False
    assert (verify_chain(rows) is None) == expected_whole
