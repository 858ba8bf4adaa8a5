"""A desk with everything around it, for tests of its doors and of what comes back."""

from __future__ import annotations

from commands.desk import Desk
from commands.selection import Accepted, Selection
from commands.settings import DeskSettings
from domain.ports import User
from domain.ports_commands import CommandStore, ModeRow, TwoPeopleStore
from domain.setpoints import Command, Mode, Outcome, Refused, outcome_word
from tests.support.command_store import MemoryCommandStore
from tests.support.desk import OPERATOR, SUPERVISOR, Outbox, SetClock, TinyEdge, Valves, small_site
from tests.support.two_people_store import MemoryTwoPeople

PRV = "prv_medina"


class StoredHouse:
    """A desk on any store, with a clock, valves and an edge that answers when asked to."""

    def __init__(self, store: CommandStore, two_people: TwoPeopleStore, journal: list[tuple[str, str]] | None = None) -> None:
        self.clock = SetClock()
        self.journal = [] if journal is None else journal
        self.concluded: list[tuple[str, str]] = []
        self.store, self.two_people = store, two_people
        self.valves = Valves(self.clock)
        self.outbox = Outbox(self.journal)
        self.site = small_site()
        limits = {k: (a.min_m, a.max_m) for k, a in self.site.actuators.items()}
        self.edge = TinyEdge(clock=self.clock, valves=self.valves, limits=limits.__getitem__)
        self.desk = self.new_desk()

    def new_desk(self, settings: DeskSettings | None = None) -> Desk:
        return Desk(
            inventory=self.site,
            store=self.store,
            two_people=self.two_people,
            view=self.valves,
            predictor=self.valves,
            sender=self.outbox,
            clock=self.clock,
            monotonic=self.clock.monotonic,
            wall=self.clock.now,
            settings=settings,
            on_concluded=self.note,
        )

    def restarted(self) -> Desk:
        """A new desk on the same store, in force from now on."""
        self.desk = self.new_desk()
        return self.desk

    async def note(self, command: Command, outcome: Outcome) -> None:
        self.concluded.append((command.command_id, outcome_word(outcome)))

    async def proposal(self, value_m: float = 39.0, user: User = OPERATOR) -> str:
        accepted = await self.desk.propose(user, PRV, value_m, "night")
        assert isinstance(accepted, Accepted), accepted
        return accepted.proposal.proposal_id

    async def selection(self, value_m: float = 39.0, user: User = OPERATOR) -> str:
        selection = await self.desk.select(user, await self.proposal(value_m, user))
        assert isinstance(selection, Selection), selection
        return selection.selection_id

    async def executed(self, value_m: float = 39.0, user: User = OPERATOR) -> Command:
        command = await self.desk.execute(user, await self.selection(value_m, user), value_m)
        assert isinstance(command, Command), command
        return command

    async def auto(self) -> None:
        assert isinstance(await self.desk.set_mode(SUPERVISOR, PRV, Mode.AUTO, None, "trial is over"), ModeRow)

    async def answer(self) -> Outcome:
        outcome = self.edge.receive(self.outbox.sent[-1])
        await self.desk.on_outcome(outcome, "demo/gw-1")
        return outcome


class House(StoredHouse):
    """The same with its memory in dictionaries."""

    store: MemoryCommandStore
    two_people: MemoryTwoPeople

    def __init__(self) -> None:
        journal: list[tuple[str, str]] = []
        store = MemoryCommandStore(journal)
        super().__init__(store, MemoryTwoPeople(store), journal)


def codes(answer: object) -> list[str]:
    """Why the desk refused."""
    assert isinstance(answer, Refused), answer
    assert answer.by == "desk"
    return [r.code for r in answer.reasons]
