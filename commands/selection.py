"""Select before operate: an actuator is reserved for one person for a short time, and that person's next step uses it up.

Times here are monotonic wall seconds: it is people who are waited for.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from domain.setpoints import PredictedEffect, Proposal, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A proposal that no interlock speaks against now. Nothing has moved, nothing is reserved."""

    proposal: Proposal
    effect: PredictedEffect
    takes_two: tuple[Reason, ...] = ()
    """Why executing it will wait for a second person; empty where one is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """An actuator reserved for one person and one proposal."""

    selection_id: str
    user: str
    proposal: Proposal
    ends_at_s: float
    """Monotonic wall time [s]."""


@dataclass(slots=True)
class SelectionBook:
    """Proposals that may be selected, and the selections that hold: at most one an actuator."""

    proposal_ttl_s: float
    """A proposal can be selected for this long [wall s]."""
    limit: int = 1000
    """Most proposals kept; the oldest goes first."""
    _proposals: OrderedDict[str, tuple[float, Proposal]] = field(default_factory=OrderedDict)
    _by_actuator: dict[str, Selection] = field(default_factory=dict)

    def remember(self, proposal: Proposal, now_s: float) -> None:
        """Makes a proposal selectable."""
        self._proposals[proposal.proposal_id] = (now_s + self.proposal_ttl_s, proposal)
        while len(self._proposals) > self.limit:
            self._proposals.popitem(last=False)

    def proposal(self, proposal_id: str, now_s: float) -> Proposal | None:
        """A proposal that can still be selected."""
        ends_at, proposal = self._proposals.get(proposal_id, (0.0, None))
        return proposal if now_s < ends_at else None

    def holder(self, actuator: str, now_s: float) -> Selection | None:
        """The selection that holds on an actuator now."""
        held = self._by_actuator.get(actuator)
        return held if held is not None and now_s < held.ends_at_s else None

    def reserved(self, name: str, actuator: str, now_s: float) -> tuple[Reason, ...]:
        """Why this person or law must wait: another has selected the actuator. Empty where nobody else has."""
        held = self.holder(actuator, now_s)
        if held is None or held.user == name:
            return ()
        left_s = held.ends_at_s - now_s
        text = f"{held.user} has selected {actuator} for another {left_s:.0f} s"
        return (Reason(code="reserved", text=text, parameters={"left_s": left_s}),)

    def not_held(self, name: str, selection: Selection, now_s: float, *, holds_s: float) -> tuple[Reason, ...]:
        """Why this person cannot execute a selection: it is another's, or over. Empty where they can.

        Args:
            name: Who wants to.
            selection: What was selected.
            now_s: Monotonic wall time [s].
            holds_s: For how long a selection holds [wall s].
        """
        if selection.user != name:
            return (Reason(code="selected_by_other", text=f"{selection.user} selected it; {name} cannot execute it"),)
        held = self.holder(selection.proposal.actuator, now_s)
        if held is not None and held.selection_id == selection.selection_id:
            return ()
        text = f"a selection holds for {holds_s:.0f} s; this one is over"
        return (Reason(code="selection_over", text=text, parameters={"limit_s": holds_s}),)

    def reserve(self, selection: Selection) -> None:
        """Reserves the actuator; the caller has asked ``holder`` first."""
        self._by_actuator[selection.proposal.actuator] = selection

    def find(self, selection_id: str) -> Selection | None:
        """A selection by id, run out or not."""
        return next((s for s in self._by_actuator.values() if s.selection_id == selection_id), None)

    def release(self, selection: Selection) -> None:
        """Ends a selection and uses its proposal up."""
        held = self._by_actuator.get(selection.proposal.actuator)
        if held is not None and held.selection_id == selection.selection_id:
            del self._by_actuator[selection.proposal.actuator]
        self._proposals.pop(selection.proposal.proposal_id, None)


def mismatch(selection: Selection, confirm_value_m: float, *, within_m: float) -> tuple[Reason, ...]:
    """Why the value typed again does not confirm the selection; empty where it is nearer than ``within_m``."""
    wanted = selection.proposal.value_m
    if abs(confirm_value_m - wanted) < within_m:
        return ()
    text = f"typed again was {confirm_value_m} m, selected is {wanted:.2f} m"
    return (Reason(code="not_confirmed", text=text, parameters={"typed_m": confirm_value_m, "value_m": wanted}),)
