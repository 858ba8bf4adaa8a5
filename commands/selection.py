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
