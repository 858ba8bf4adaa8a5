"""Commands, from the wire to exactly one outcome.

    signature ▸ gateway, device ▸ counter, token (durable) ▸ expiry ▸ limits, ramp, interval ▸ STARTED (durable)
    ▸ expiry, owner again ▸ write ▸ read back ▸ outcome (durable) ▸ result, repeated until acknowledged

Admission is one at a time, so that the counter rises with the order of arrival; execution is one at a time per actuator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.errors import DecodeError, NotAllowed
from domain.ports import Clock
from domain.setpoints import Command, Expired, Failed, Outcome, Reason, Refused, Verified, outcome_word
from edge.actuators import ActuatorDriver, Driven
from edge.alarms import CommandAlarms
from edge.authenticity import signature_fault
from edge.database import DatabaseThread
from edge.guard import check_move, misdirected
from edge.journal import Journal, State
from protocols.sparkplug.commands import SignedCommand, parse_document

log = structlog.get_logger()

_MAX_WAITING = 64
_RECOVERY_TRIES = 5


@dataclass(slots=True, kw_only=True)
class CommandCounters:
    """Outcomes since the process began."""

    verified: int = 0
    refused: int = 0
    expired: int = 0
    failed: int = 0
    unauthentic: int = 0
    """Commands that no pinned key had signed."""
    replayed: int = 0
    """Commands that came again although the centre had their outcome."""
    fallbacks: int = 0
    """Times the gateway took the safe value by itself."""


class Executor:
    """Takes commands from the uplink, drives actuators, keeps results until the centre has them."""

    def __init__(
        self,
        *,
        edge: str,
        keys: Mapping[str, Ed25519PublicKey],
        drivers: Mapping[str, ActuatorDriver],
        journal: Journal,
        database: DatabaseThread,
        clock: Clock,
        on_result: Callable[[], None],
        counters: CommandCounters,
    ) -> None:
        self._edge = edge
        self._node = edge.rpartition("/")[2]
        self._keys = keys
        self._drivers = drivers
        self._journal = journal
        self._database = database
        self._clock = clock
        self._on_result = on_result
        self._counters = counters
        self._waiting: asyncio.Queue[tuple[str, SignedCommand]] = asyncio.Queue(maxsize=_MAX_WAITING)
        self._acked: asyncio.Queue[str] = asyncio.Queue(maxsize=1024)
        self._tokens: dict[str, int] = {}
        self._alarms = CommandAlarms(node=self._node)

    # ── the uplink's side ───────────────────────────────────────────────────────────────────────────────────────────────────

    def offer(self, device: str, command: SignedCommand) -> None:
        """Takes a command. With too many waiting it is left: the desk hears nothing and resolves it by reading."""
        try:
            self._waiting.put_nowait((device, command))
        except asyncio.QueueFull:
            log.warning("command_dropped", edge=self._edge, device=device, waiting=_MAX_WAITING)

    def acknowledge(self, command_id: str) -> None:
        """The centre has the result; a lost acknowledgement is repeated with the result."""
        if not self._alarms.acknowledge(command_id) and not self._acked.full():
            self._acked.put_nowait(command_id)

    async def results(self) -> Sequence[tuple[str, Outcome]]:
        """(device, outcome) still to be told, alarms among them."""
        return (*self._alarms.open(), *await self._database.run(self._journal.results, self._clock.now()))

    # ── life ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Settles what a crash left open, then works until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for state, command in await self._database.run(self._journal.unfinished):
                tasks.create_task(self._recover(state, command))
            tasks.create_task(self._keep_acknowledgements())
            running = asyncio.Semaphore(_MAX_WAITING)
            while True:
                device, signed = await self._waiting.get()
                admitted = await self._admit(device, signed)
                if admitted is not None:
                    await running.acquire()
                    tasks.create_task(self._execute(admitted)).add_done_callback(lambda _: running.release())

    async def _keep_acknowledgements(self) -> None:
        while True:
            command_id = await self._acked.get()
            await self._database.run(self._journal.acknowledge, command_id)

    # ── admission ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _admit(self, device: str, signed: SignedCommand) -> Command | None:
        """The command if it is authentic, for us, new and in time; else it is answered here."""
        command = self._authentic(device, signed)
        if command is None:
            return None
        astray = misdirected(command, edge=self._edge, device=device)
        if astray is not None:  # not ours to answer: its own gateway does
            log.warning("command_astray", edge=self._edge, command=command.command_id, reason=astray.code)
            self._alarm(device, command.command_id, astray)
            return None
        admission = await self._database.run(self._journal.admit, command, signed.document, self._clock.now())
        if admission.known:
            if admission.acknowledged:
                self._counters.replayed += 1
                text = "the centre had its outcome, and it came again"
                self._alarm(device, command.command_id, Reason(code="replayed", text=text))
            await self._repeat(command, admission.outcome)
            return None
        self._tokens[command.actuator] = max(command.owner_token, self._tokens.get(command.actuator, 0))
        if admission.outcome is not None:
            for reason in admission.outcome.reasons if isinstance(admission.outcome, Refused) else ():
                self._alarm(device, command.command_id, reason)
            self._tell(command, admission.outcome)
            return None
        log.info("command_received", command=command.command_id, actuator=command.actuator, value_m=command.value_m)
        return command if await self._in_time_and_place(command) else None

    async def _in_time_and_place(self, command: Command) -> bool:
        now = self._clock.now()
        if now >= command.expires_at:
            late_s = (now - command.expires_at).total_seconds()
            text = f"it came {late_s:.0f} s after its expiry"
            self._alarm(command.device, command.command_id, Reason(code="late", text=text, parameters={"late_s": late_s}))
            await self._finish(command, Expired(command_id=command.command_id, at=now))
            return False
        driver = self._drivers.get(command.actuator)
        if driver is None or driver.settings.field != command.field or driver.settings.device != command.device:
            text = f"{command.actuator} is no actuator at {command.device}.{command.field} of this gateway"
            await self._refuse(command, Reason(code="unknown_actuator", text=text))
            return False
        return True

    def _authentic(self, device: str, signed: SignedCommand) -> Command | None:
        """The command if one of our keys signed exactly these bytes; else it is refused without leaving a trace in the journal."""
        try:
            command = parse_document(signed.document)
        except DecodeError as error:
            self._counters.unauthentic += 1
            log.warning("command_undecodable", edge=self._edge, device=device, error=str(error)[:300])
            self._alarm(device, "", Reason(code="undecodable", text=str(error)[:300]))
            return None
        reason = signature_fault(signed, command, self._keys)
        if reason is None:
            return command
        self._counters.unauthentic += 1
        log.warning("command_unauthentic", edge=self._edge, device=device, command=command.command_id, reason=reason.code)
        self._alarm(device, command.command_id, reason)
        return None

    def alarm(self, device: str, subject: str, reason: Reason) -> None:
        """Tells the centre of something of ours that is no command's outcome; ``subject`` tells one such thing from the next."""
        if self._alarms.add(device, subject, reason, self._clock.now()):
            log.warning("alarm", edge=self._edge, device=device, subject=subject[:80], reason=reason.code)
            self._on_result()

    def _alarm(self, device: str, claimed_id: str, reason: Reason) -> None:
        own = {driver.settings.device for driver in self._drivers.values()}
        device = device if device in own else min(own, default="")  # a topic that somebody invented carries no answer of ours
        if self._alarms.add(device, claimed_id, reason, self._clock.now()):
            log.warning("command_alarm", edge=self._edge, device=device, command=claimed_id[:80], reason=reason.code)
            self._on_result()

    async def _repeat(self, command: Command, outcome: Outcome | None) -> None:
        """Answers from the journal; a command still under way answers when it ends."""
        if outcome is None:
            return
        await self._database.run(self._journal.repeat, command.command_id)
        log.info("command_answered_again", command=command.command_id, outcome=outcome_word(outcome))
        self._on_result()

    # ── execution ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _execute(self, command: Command) -> None:
        driver = self._drivers[command.actuator]
        async with driver.lock:
            current_m = await driver.read()
            now = self._clock.now()
            memory = await self._database.run(self._journal.actuator, command.actuator, now)
            reasons = check_move(
                command,
                driver.limits,
                current_m=current_m,
                moved_at=memory.moved_at,
                now=now,
                moves_in_day=memory.moves_in_day,
            )
            if now >= command.expires_at:  # it waited behind another
                await self._finish(command, Expired(command_id=command.command_id, at=now))
                return
            if reasons:
                await self._refuse(command, *reasons)
                return
            moves = current_m is None or abs(command.value_m - current_m) > driver.limits.resolution_m / 2
            lease_until = now + timedelta(seconds=_lease_s(command, driver))
            await self._database.run(self._journal.start, command, now=now, moves=moves, lease_until=lease_until)
            try:
                driven = await driver.drive(command.value_m, allowed=lambda: self._still_allowed(command))
            except NotAllowed as error:
                await self._refuse(command, Reason(code="device_limit", text=str(error)))
                return
            await self._conclude(command, driver, driven)

    def _still_allowed(self, command: Command) -> bool:
        """Asked when the bus is free, with nothing left between the answer and the write."""
        return self._clock.now() < command.expires_at and command.owner_token >= self._tokens.get(command.actuator, 0)

    async def _conclude(self, command: Command, driver: ActuatorDriver, driven: Driven) -> None:
        now = self._clock.now()
        if not driven.sent and now >= command.expires_at:
            await self._finish(command, Expired(command_id=command.command_id, at=now))
        elif not driven.sent:
            await self._refuse(command, Reason(code="old_owner", text="another owner took over before the write"))
        elif driven.verified and driven.readback_m is not None:
            verified = Verified(command_id=command.command_id, at=now, readback_m=driven.readback_m)
            await self._finish(command, verified, lease_s=_lease_s(command, driver))
        else:
            detail, readback_m = driven.detail, driven.readback_m
            await self._finish(command, Failed(command_id=command.command_id, at=now, detail=detail, readback_m=readback_m))

    async def _recover(self, state: State, command: Command) -> None:
        """A crash came between: what was not started never is, what was started is read back and never written again."""
        driver = self._drivers.get(command.actuator)
        if state is State.RECEIVED or driver is None:
            await self._refuse(command, Reason(code="restarted", text="the gateway restarted before the command was executed"))
            return
        async with driver.lock:
            driven = await driver.read_patiently(command.value_m)
            for attempt in range(_RECOVERY_TRIES):
                if driven.readback_m is not None:
                    break
                await asyncio.sleep(2.0**attempt)
                driven = await driver.read_patiently(command.value_m)
            if not driven.verified:
                detail = f"the gateway restarted during execution; {driven.detail}"
                driven = Driven(sent=True, verified=False, readback_m=driven.readback_m, detail=detail)
            await self._conclude(command, driver, driven)

    async def _refuse(self, command: Command, *reasons: Reason) -> None:
        now = self._clock.now()
        await self._finish(command, Refused(command_id=command.command_id, at=now, by=self._node, reasons=reasons))

    async def _finish(self, command: Command, outcome: Outcome, *, lease_s: float | None = None) -> None:
        now = self._clock.now()
        lease_until = None if lease_s is None else now + timedelta(seconds=lease_s)
        await self._database.run(self._journal.finish, command.actuator, outcome, now=now, lease_until=lease_until)
        self._tell(command, outcome)

    def _tell(self, command: Command, outcome: Outcome) -> None:
        word = outcome_word(outcome)
        setattr(self._counters, word, getattr(self._counters, word) + 1)
        log.info("command_ended", command=command.command_id, actuator=command.actuator, outcome=word, source=command.source.value)
        self._on_result()


def _lease_s(command: Command, driver: ActuatorDriver) -> float:
    """The shorter of what the command asks for and what the site allows [process s]."""
    return min(command.lease_s, driver.settings.lease_s)
