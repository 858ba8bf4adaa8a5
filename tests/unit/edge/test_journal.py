"""What the journal keeps: counters, tokens, leases and outcomes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.setpoints import Refused, Verified
from edge.database import open_database
from edge.journal import Journal, State
from tests.support.prv_site import START, command, signed


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_database(tmp_path)
    yield connection
    connection.close()


def test_a_first_sight_gives_one_lease_also_after_a_command_was_refused(db: sqlite3.Connection) -> None:
    journal, until = Journal(db, node="gw"), START + timedelta(hours=1)
    order = command(1, 200.0, START)
    journal.admit(order, signed(order).document, START)
    assert journal.actuator("prv_medina").lease_until is None
    journal.first_sight("prv_medina", until)
    assert journal.actuator("prv_medina").lease_until == until


def test_a_second_sight_changes_nothing(db: sqlite3.Connection) -> None:
    journal, until = Journal(db, node="gw"), START + timedelta(hours=1)
    journal.first_sight("prv_medina", until)
    journal.first_sight("prv_medina", until + timedelta(hours=9))
    assert journal.actuator("prv_medina").lease_until == until
    fallback = Verified(command_id="fallback:x", at=START, readback_m=45.0)
    journal.fell_back("prv_medina", "prv1", fallback, now=START, verified=True)
    journal.first_sight("prv_medina", until)
    assert journal.actuator("prv_medina").lease_until is None


def test_a_command_has_one_outcome(db: sqlite3.Connection) -> None:
    journal = Journal(db, node="gw")
    order = command(1, 38.0, START)
    assert not journal.admit(order, signed(order).document, START).known
    assert [(s, c) for s, c in journal.unfinished()] == [(State.RECEIVED, order)]
    first = Verified(command_id="c1", at=START, readback_m=38.0)
    journal.finish("prv_medina", first, now=START)
    journal.finish("prv_medina", Refused(command_id="c1", at=START, by="gw", reasons=()), now=START)
    assert journal.results(START) == (("prv1", first),)
    again = journal.admit(order, signed(order).document, START)
    assert (again.known, again.outcome) == (True, first)
    assert journal.unfinished() == ()


def test_results_stop_when_acknowledged_or_after_a_week(db: sqlite3.Connection) -> None:
    journal = Journal(db, node="gw")
    for number in (1, 2):
        order = command(number, 38.0, START)
        journal.admit(order, signed(order).document, START)
        journal.finish("prv_medina", Verified(command_id=f"c{number}", at=START, readback_m=38.0), now=START)
    journal.acknowledge("c1")
    assert [o.command_id for _, o in journal.results(START)] == ["c2"]
    assert journal.results(START + timedelta(days=8)) == ()
    journal.purge(START + timedelta(days=31))
    late = command(2, 38.0, START)
    assert isinstance(journal.admit(late, signed(late).document, START).outcome, Refused)  # its counter is still known
