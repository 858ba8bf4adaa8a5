"""What the desk's doors share: what is known of an actuator, and the one way a command leaves.

The order is always the same: counter (durable), command and audit row in one transaction, and only then the sender.
"""

from __future__ import annotations

import asyncio
import math
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from commands import arbitration
from commands.history import History, read_history
from commands.interlocks import Situation
from commands.settings import DeskSettings
from domain.assets import Actuator
from domain.errors import KhettaraError
from domain.inventory import Inventory
from domain.ports import Clock
from domain.ports_commands import ActuatorView, CommandSender, CommandStore, ModeRow, TwoPeopleStore
from domain.setpoints import ActuatorState, Command, Source

HISTORY_ROWS = 200
"""More than the commands of a day: moves, and a renewal every twenty minutes."""
REMEMBERED_OUTLETS = 1000


class BadWish(KhettaraError):
    """A wish that cannot even be looked at: an actuator that does not exist, a value that is no number."""


def new_id() -> str:
    """An identity for a proposal, selection or command."""
    return uuid.uuid4().hex


class Road:
    """Locks, knowledge and the way out, for one desk.

    Args:
        inventory: The site.
        store: Durable memory.
        two_people: Durable memory of what takes two people: where a larger rise is allowed.
        view: What is measured at the actuators.
        sender: Takes commands to the gateways.
        clock: Process time.
        settings: How long things hold.
        make_id: Identities for proposals, selections and commands.
    """

    def __init__(
        self,
        *,
        inventory: Inventory,
        store: CommandStore,
        two_people: TwoPeopleStore,
        view: ActuatorView,
        sender: CommandSender,
        clock: Clock,
        settings: DeskSettings,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self.inventory = inventory
        self.store = store
        self.clock = clock
        self.settings = settings
        self.make_id = make_id
        self.outlets_m: OrderedDict[str, float] = OrderedDict()
        """Outlet pressure at the moment of each of the last orders, by command id [m]."""
        self._two_people = two_people
        self._view = view
        self._sender = sender
        self._actuator_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gateway_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def lock(self, actuator: str) -> asyncio.Lock:
        """Whoever decides about an actuator holds this from looking to sending."""
        return self._actuator_locks[actuator]

    def actuator(self, key: str) -> Actuator:
        """The actuator.

        Raises:
            BadWish: There is none of this name.
        """
        found = self.inventory.actuators.get(key)
        if found is None:
            raise BadWish(f"no actuator is called {key!r}; there are {', '.join(sorted(self.inventory.actuators))}")
        return found

    async def mode_row(self, actuator: str) -> ModeRow:
        """Mode and owner now."""
        rows = await self.store.modes()
        return rows.get(actuator) or arbitration.first_row(actuator, self.settings.first_mode)

    async def history(self, actuator: str) -> History:
        """What the last commands say."""
        return read_history(await self.store.commands(actuator=actuator, limit=HISTORY_ROWS))

    async def in_emergency(self, actuator: str) -> bool:
        """Whether a confirmed emergency holds at the actuator now."""
        now = self.clock.now()
        return any(e.actuator == actuator and e.holds(now) for e in await self._two_people.emergencies(now))

    async def situation(self, actuator: str) -> tuple[Situation, History]:
        """Everything the interlocks ask about an actuator, now."""
        history = await self.history(actuator)
        row = await self.mode_row(actuator)
        state = await self._view.state(actuator)
        now = self.clock.now()
        return (
            Situation(
                actuator=self.actuator(actuator),
                mode=row.mode,
                now=now,
                current_m=current_setpoint(state, history),
                outlet_m=finite(state.outlet_m),
                observed_at=state.observed_at,
                last_move_at=history.last_move_at,
                pending=history.pending,
                unresolved_since=unresolved(state, history),
                moves_in_day=history.moves_since(now - timedelta(days=1)),
                emergency=await self.in_emergency(actuator),
            ),
            history,
        )

    async def issue(
        self, *, command_id: str, value_m: float, source: Source, author: str, row: ModeRow, situation: Situation
    ) -> Command:
        """Orders: counter, then command with its audit row, then out. The caller holds the lock and has asked every rule."""
        target = self.actuator(row.actuator)
        gateway = self.inventory.edge(target.device)
        previous_m = situation.current_m
        emergency = situation.emergency and previous_m is not None and value_m - previous_m > target.ramp_up_m
        self._remember_outlet(command_id, situation.outlet_m)
        async with self._gateway_locks[gateway]:  # counters must leave in the order they were given
            issued_at = whole_ms(self.clock.now())
            command = Command(
                command_id=command_id,
                actuator=row.actuator,
                gateway=gateway,
                device=target.device,
                field=target.field,
                value_m=value_m,
                previous_m=previous_m,
                source=source,
                author=author,
                issued_at=issued_at,
                expires_at=issued_at + timedelta(seconds=self.settings.command_ttl_s),
                counter=await self.store.next_counter(gateway),
                owner_token=row.owner_token,
                lease_s=target.lease_s,
                key_id=self.settings.key_id,
                emergency=emergency,
                witness=await self.store.audit_head(),
            )
            await self.store.save_command(command)
            await self._sender.send(command)
        return command

    def _remember_outlet(self, command_id: str, outlet_m: float | None) -> None:
        if outlet_m is not None:
            self.outlets_m[command_id] = outlet_m
            while len(self.outlets_m) > REMEMBERED_OUTLETS:
                self.outlets_m.popitem(last=False)

    async def resume(self, command: Command) -> None:
        """Hands a command that was pending at a restart to the sender again: its audit row stands, the edge never acts twice."""
        await self._sender.send(command)


def current_setpoint(state: ActuatorState, history: History) -> float | None:
    """The newest read-back: the edge's answer to the last command where that is newer than the last poll [m]."""
    verified = history.verified
    if verified is not None and verified.finished_at is not None and verified.readback_m is not None:
        polled_before = state.observed_at is None or state.observed_at < verified.finished_at
        if polled_before:
            return finite(verified.readback_m)
    return finite(state.setpoint_m)


def unresolved(state: ActuatorState, history: History) -> datetime | None:
    """Since when a command's fate is open; None once the setpoint has been read after it."""
    if history.unknown_at is None:
        return None
    read_since = state.observed_at is not None and state.setpoint_m is not None and state.observed_at > history.unknown_at
    return None if read_since else history.unknown_at


def finite(value: float | None) -> float | None:
    """The value, or None where it is no number."""
    return value if value is not None and math.isfinite(value) else None


def whole_ms(moment: datetime) -> datetime:
    """The moment cut to milliseconds, as the wire carries it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
