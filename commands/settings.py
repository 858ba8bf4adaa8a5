"""Settings of the desk and of its connection to the broker."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from commands.interlocks import InterlockRules
from commands.second_person import SecondPersonRules
from domain.setpoints import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSettings:
    """How long things hold at the desk. Process seconds are those of the water's clock, wall seconds are people's."""

    key_id: str = "desk"
    """Which key signs the commands; the edges know its public half by this name."""
    command_ttl_s: float = 600.0
    """A command is not executed later than this after it was issued [process s]."""
    outcome_grace_s: float = 120.0
    """An outcome may come this long after the expiry; then it is unknown [process s]."""
    selection_s: float = 30.0
    """A selection reserves its actuator for this long [wall s]."""
    proposal_ttl_s: float = 600.0
    """A proposal can be selected for this long [wall s]."""
    manual_s: float = 3600.0
    """An operator's move takes manual for this long where nobody says otherwise [process s]."""
    manual_max_s: float = 12 * 3600.0
    """No manual mode lasts longer than this [process s]."""
    confirm_within_m: float = 0.005
    """The value typed a second time may differ by less than this [m]."""
    first_mode: Mode = Mode.ADVISORY
    """Mode of an actuator for which none was ever set."""
    interlocks: InterlockRules = field(default_factory=InterlockRules)
    second_person: SecondPersonRules = field(default_factory=SecondPersonRules)
    """From where on an order takes two people."""
    approval_s: float = 600.0
    """A second person may approve for this long [wall s]."""
    law_patience_s: float = 900.0
    """A law that has decided nothing for this long counts as dead: its leases are renewed no more [process s]."""
    emergency_max_s: float = 4 * 3600.0
    """No emergency lasts longer without being declared again [process s]."""
    effect_after_s: float = 300.0
    """The outlet pressure is looked at from so long after a move [process s]."""
    effect_within_s: float = 1200.0
    """By then it must have followed [process s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Where the MQTT 5 broker is and how to log in there."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    identifier: str | None = None
    """MQTT client id; None takes one made by the broker."""
    keepalive_s: int = 20
    timeout_s: float = 5.0
    republish_s: float = 5.0
    """A command without an answer is published again after this long [wall s]; the edge answers repeats from its journal."""
    reconnect_s: float = 0.25
    """First wait before a new connection [wall s]; doubles up to ``reconnect_max_s``."""
    reconnect_max_s: float = 5.0
