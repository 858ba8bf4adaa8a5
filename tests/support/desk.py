"""A small site, a settable clock and a tiny edge, for tests of the desk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.inventory import Inventory, build_inventory
from domain.ports import Clock, User
from domain.setpoints import (
    ActuatorState,
    Command,
    Expired,
    Failed,
    Mode,
    Outcome,
    PredictedEffect,
    Reason,
    Refused,
    Source,
    Verified,
)

START = datetime(2026, 5, 3, 2, 0, tzinfo=UTC)
OPERATOR = User(name="amina", role="operator", zones=frozenset())
SECOND = User(name="brahim", role="operator", zones=frozenset())
VIEWER = User(name="chadia", role="viewer", zones=frozenset())
SUPERVISOR = User(name="driss", role="supervisor", zones=frozenset())


def small_site() -> Inventory:
    """Two DMAs in one commune, a PRV each, both behind one gateway."""
    zones: list[dict[str, Any]] = [{"key": "town", "kind": "commune", "names": {"en": "Town"}}]
    points, devices, actuators = [], [], []
    for zone, low in (("medina", 20.0), ("plateau", 25.0)):
        flow, outlet, setpoint = f"{zone}.flow", f"{zone}.outlet", f"{zone}.setpoint"
        zones.append(
            {
                "key": zone,
                "kind": "dma",
                "names": {"en": zone.title()},
                "parent": "town",
                "inlets": [{"point": flow}],
                "min_pressure_m": 20.0,
            }
        )
        points += [
            {"key": flow, "quantity": "flow", "resolution": "0.01", "zone": zone},
            {"key": outlet, "quantity": "pressure", "resolution": "0.01", "zone": zone},
            {"key": setpoint, "quantity": "pressure", "resolution": "0.01", "zone": zone},
        ]
        devices.append(
            {
                "key": f"prv-{zone}",
                "gateway": "gw-1",
                "model": "generic_prv_controller",
                "channels": {"flow_m3h": flow, "outlet_m": outlet, "setpoint_m": setpoint},
            }
        )
        actuators.append(
            {
                "key": f"prv_{zone}",
                "device": f"prv-{zone}",
                "zone": zone,
                "min_m": low,
                "max_m": 60.0,
                "safe_m": 40.0,
                "setpoint": setpoint,
                "outlet_pressure": outlet,
                "flow": flow,
            }
        )
    return build_inventory(
        {
            "site.toml": {"site": {"key": "demo", "names": {"en": "Demo"}}},
            "zones.toml": {"zone": zones},
            "points.toml": {"point": points},
            "devices.toml": {
                "gateway": [{"node": "gw-1", "group": "demo", "name": "Gateway"}],
                "device": devices,
                "actuator": actuators,
            },
        }
    )


@dataclass
class SetClock:
    """Process time that moves when told to; ``monotonic`` moves along as if the clock ran at the wall's pace."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def timestamp(self) -> float:
        return self.at.timestamp()

    def wall_delay(self, until: datetime) -> float:
        return max(0.0, (until - self.at).total_seconds())

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    def pass_s(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Valves:
    """``ActuatorView`` and ``EffectPredictor`` over plain numbers: the outlet follows the setpoint, 12 m are lost on the way."""

    clock: Clock
    setpoint_m: dict[str, float | None] = field(default_factory=lambda: {"prv_medina": 40.0, "prv_plateau": 40.0})
    age_s: float = 30.0
    head_loss_m: float = 12.0

    async def states(self, actuators: Sequence[str]) -> dict[str, ActuatorState]:
        return {key: await self.state(key) for key in actuators}

    async def state(self, actuator: str) -> ActuatorState:
        value = self.setpoint_m[actuator]
        return ActuatorState(
            actuator=actuator,
            mode=Mode.ADVISORY,
            mode_until=None,
            owner="law",
            owner_token=1,
            setpoint_m=value,
            outlet_m=value,
            inlet_m=70.0,
            flow_m3h=30.0,
            observed_at=self.clock.now() - timedelta(seconds=self.age_s),
        )

    async def predict(self, actuator: str, value_m: float) -> PredictedEffect:
        lowest = value_m - self.head_loss_m
        return PredictedEffect(
            actuator=actuator,
            value_m=value_m,
            current_m=self.setpoint_m[actuator],
            critical_m={"c1": lowest},
            lowest_m=lowest,
            min_pressure_m=20.0,
            customers_below=0 if lowest >= 20.0 else 120,
            leakage_change_m3h=-0.4,
            basis="test",
        )


@dataclass
class Outbox:
    """``CommandSender`` that keeps what it is given, and notes the moment in a journal."""

    journal: list[tuple[str, str]]
    sent: list[Command] = field(default_factory=list)

    async def send(self, command: Command) -> None:
        self.journal.append(("send", command.command_id))
        self.sent.append(command)


@dataclass
class TinyEdge:
    """The edge's rules in memory: counter, token, expiry, limits, step; answers repeats of the last command from its journal."""

    clock: SetClock
    valves: Valves
    limits: Callable[[str], tuple[float, float]]
    counter: int = 0
    token: dict[str, int] = field(default_factory=dict)
    journal: dict[str, Outcome] = field(default_factory=dict)
    moves: list[tuple[datetime, Command]] = field(default_factory=list)
    broken: bool = False
    """The valve does not take what is written."""

    def receive(self, command: Command) -> Outcome:
        if command.command_id not in self.journal:
            self.journal[command.command_id] = self._execute(command)
        return self.journal[command.command_id]

    def _execute(self, command: Command) -> Outcome:
        now, low_high = self.clock.now(), self.limits(command.actuator)
        refusal = None
        if command.counter <= self.counter:
            refusal = Reason(code="old_counter", text=f"{command.counter} <= {self.counter}")
        elif command.owner_token < self.token.get(command.actuator, 0):
            refusal = Reason(code="old_token", text=f"{command.owner_token} < {self.token[command.actuator]}")
        elif not low_high[0] <= command.value_m <= low_high[1]:
            refusal = Reason(code="limit", text=f"{command.value_m}")
        if refusal is not None:
            return Refused(command_id=command.command_id, at=now, by=command.gateway, reasons=(refusal,))
        self.counter, self.token[command.actuator] = command.counter, command.owner_token
        if now > command.expires_at:
            return Expired(command_id=command.command_id, at=now)
        if self.broken:
            return Failed(command_id=command.command_id, at=now, detail="reads back the old value", readback_m=None)
        self.moves.append((now, command))
        self.valves.setpoint_m[command.actuator] = command.value_m
        return Verified(command_id=command.command_id, at=now, readback_m=command.value_m)


def any_command(**changes: Any) -> Command:
    """A plausible command, with fields changed as asked."""
    command = Command(
        command_id="c1",
        actuator="prv_medina",
        gateway="demo/gw-1",
        device="prv-medina",
        field="setpoint_m",
        value_m=39.0,
        previous_m=40.0,
        source=Source.OPERATOR,
        author="amina",
        issued_at=START,
        expires_at=START + timedelta(seconds=600),
        counter=1,
        owner_token=1,
        lease_s=1800.0,
        key_id="desk",
    )
    return replace(command, **changes)
