"""Random days of two people and a desk that dies: on the memory of the unit tests."""

from __future__ import annotations

from hypothesis import settings

from domain.ports_commands import CommandStore, TwoPeopleStore
from tests.support.command_store import MemoryCommandStore
from tests.support.two_people_machine import TwoPeopleMachine
from tests.support.two_people_store import MemoryTwoPeople


class InMemory(TwoPeopleMachine):
    issued_action = "command"

    def memories(self) -> tuple[CommandStore, TwoPeopleStore]:
        store = MemoryCommandStore()
        return store, MemoryTwoPeople(store)


TestTwoPeople = InMemory.TestCase
TestTwoPeople.settings = settings(max_examples=60, stateful_step_count=30)
