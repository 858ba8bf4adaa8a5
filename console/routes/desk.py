"""The steps of the desk as forms: propose → predicted effect → select → execute → outcome, and the mode.

With htmx each answer replaces the actuator's desk; without it the whole page comes back with that step opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from commands.selection import Selection
from console.access import Operator, Viewer, Visit
from console.desk_steps import DeskStep, checked_reason, mode_end, parse_mode
from console.messages import OutcomeView, command_view, outcome_view, reason_texts
from console.numbers import parse_number
from console.pages import page, part
from console.routes.zones import critical_names, find_zone, render_zone
from domain.assets import Actuator
from domain.ports_commands import CommandRow
from domain.setpoints import Outcome, Reason, Refused
from domain.two_people import ApprovalRequest

router = APIRouter()
Text = Annotated[str, Form()]
_GLANCE_S = 0.02
"""Long enough for the desk to say what it knows already [wall s]."""
_TYPED_WRONGLY = frozenset({"not_confirmed", "no_number"})


@router.get("/actuators/{key}/preview")
async def preview(visit: Operator, key: str, value_m: str = "") -> HTMLResponse:
    """The predicted effect of a value while it is typed; nothing is kept."""
    actuator = find_actuator(visit, key)
    value = parse_number(value_m) if value_m.strip() else None
    effect = await visit.console.services.desk.preview(actuator.key, value) if isinstance(value, float) else None
    problem = reason_texts(visit.texts, [value])[0] if isinstance(value, Reason) else ""
    return part(visit, "parts/preview.html", effect=effect, problem=problem, critical_names=_critical(visit, actuator))


@router.post("/actuators/{key}/propose", response_model=None)
async def propose(visit: Operator, key: str, value_m: Text = "", reason: Text = "") -> Response:
    """Asks the desk; it answers with the predicted effect, or with every reason against."""
    actuator = find_actuator(visit, key)
    value, why = parse_number(value_m), checked_reason(reason)
    wrong = tuple(r for r in (value, why) if isinstance(r, Reason))
    if wrong or not isinstance(value, float) or not isinstance(why, str):
        return await _show(visit, actuator, _back(visit, wrong, value_m, reason))
    answer = await visit.console.services.desk.propose(visit.user, actuator.key, value, why)
    if isinstance(answer, Refused):
        return await _show(visit, actuator, _back(visit, answer.reasons, value_m, reason))
    return await _show(visit, actuator, DeskStep(name="proposed", value=value_m, reason=why, accepted=answer))


@router.post("/actuators/{key}/select", response_model=None)
async def select(visit: Operator, key: str, proposal_id: Text = "", value_m: Text = "", reason: Text = "") -> Response:
    """Reserves the actuator for this operator."""
    actuator = find_actuator(visit, key)
    answer = await visit.console.services.desk.select(visit.user, proposal_id)
    if isinstance(answer, Refused):
        return await _show(visit, actuator, _back(visit, answer.reasons, value_m, reason))
    visit.console.selections.keep(answer)
    return await _show(visit, actuator, _selected(visit, answer, value_m, reason))


@router.post("/actuators/{key}/execute", response_model=None)
async def execute(
    visit: Operator, key: str, selection_id: Text = "", confirm_value_m: Text = "", value_m: Text = "", reason: Text = ""
) -> Response:
    """Sends the command if the value was typed again rightly; the answer follows."""
    actuator = find_actuator(visit, key)
    value = parse_number(confirm_value_m)
    if isinstance(value, Reason):
        return await _show(visit, actuator, _again(visit, selection_id, (value,), value_m, reason))
    answer = await visit.console.services.desk.execute(visit.user, selection_id, value)
    if isinstance(answer, Refused):
        return await _show(visit, actuator, _again(visit, selection_id, answer.reasons, value_m, reason))
    if isinstance(answer, ApprovalRequest):
        return await _show(visit, actuator, DeskStep(name="waiting", value=value_m, reason=reason, request=answer))
    if not visit.partial:
        return RedirectResponse(f"/commands/{answer.command_id}", status_code=303)
    return await _show(visit, actuator, DeskStep(name="sent", command=answer))


@router.post("/actuators/{key}/approve", response_model=None)
async def approve(visit: Operator, key: str, request_id: Text = "", confirm_value_m: Text = "") -> Response:
    """The second person's yes: sends the command if the value was typed again rightly."""
    actuator = find_actuator(visit, key)
    value = parse_number(confirm_value_m)
    if isinstance(value, Reason):
        return await _show(visit, actuator, _back(visit, (value,), "", ""))
    answer = await visit.console.services.desk.approve(visit.user, request_id, value)
    if isinstance(answer, Refused):
        return await _show(visit, actuator, _back(visit, answer.reasons, "", ""))
    if not visit.partial:
        return RedirectResponse(f"/commands/{answer.command_id}", status_code=303)
    return await _show(visit, actuator, DeskStep(name="sent", command=answer))


@router.post("/actuators/{key}/decline", response_model=None)
async def decline(visit: Operator, key: str, request_id: Text = "", reason: Text = "") -> Response:
    """The second person's no, or the first one's withdrawal."""
    actuator, why = find_actuator(visit, key), checked_reason(reason)
    if isinstance(why, Reason):
        return await _show(visit, actuator, _back(visit, (why,), "", reason))
    answer = await visit.console.services.desk.decline(visit.user, request_id, why)
    if isinstance(answer, Refused):
        return await _show(visit, actuator, _back(visit, answer.reasons, "", reason))
    return await _show(visit, actuator, DeskStep())


@router.post("/actuators/{key}/mode", response_model=None)
async def set_mode(visit: Operator, key: str, mode: Text = "", hours: Text = "", reason: Text = "") -> Response:
    """Changes who moves the actuator; manual always has an end."""
    actuator = find_actuator(visit, key)
    wished, why = parse_mode(mode), checked_reason(reason)
    wrong = [r for r in (wished, why) if isinstance(r, Reason)]
    if isinstance(wished, Reason) or isinstance(why, Reason):
        return await _show(visit, actuator, _back(visit, wrong, "", reason))
    until = mode_end(wished, hours, visit.console.services.clock.now())
    if isinstance(until, Reason):
        return await _show(visit, actuator, _back(visit, (until,), "", reason))
    answer = await visit.console.services.desk.set_mode(visit.user, actuator.key, wished, until, why)
    if isinstance(answer, Refused):
        return await _show(visit, actuator, _back(visit, answer.reasons, "", reason))
    return await _show(visit, actuator, DeskStep(mode_done=True))


@router.get("/commands/{command_id}", response_model=None)
async def command(visit: Viewer, command_id: str) -> Response:
    """A command and what became of it; waits a little while there is no answer yet."""
    outcome, row = await find_outcome(visit, command_id)
    if outcome is None and row is None:
        raise HTTPException(404, f"there is no command {command_id[:60]!r}")
    if visit.partial:
        return part(visit, "parts/outcome.html", outcome=outcome, command_id=command_id)
    return await page(visit, "command.html", outcome=outcome, row=row, command_id=command_id)


async def find_outcome(visit: Visit, command_id: str) -> tuple[OutcomeView | None, CommandRow | None]:
    """The outcome if there is one, and the command as it is kept."""
    outcome, row = await look_up(visit, command_id, visit.console.services.options.outcome_wait_s)
    if outcome is not None:
        return outcome_view(visit.texts, outcome), row
    if row is not None and row.state != "pending":
        return command_view(visit.texts, row), row
    return None, row


async def look_up(visit: Visit, command_id: str, wait_s: float) -> tuple[Outcome | None, CommandRow | None]:
    """What the desk remembers and what the store keeps; waits only for a command that is still under way."""
    services = visit.console.services
    outcome = await services.desk.wait(command_id, _GLANCE_S)
    row = await _row(visit, command_id)
    if outcome is None and row is not None and row.state == "pending" and wait_s > 0:
        outcome = await services.desk.wait(command_id, wait_s)
        row = await _row(visit, command_id)
    return outcome, row


async def _row(visit: Visit, command_id: str) -> CommandRow | None:
    rows = await visit.console.services.commands.commands(limit=200)
    return next((r for r in rows if r.command.command_id == command_id), None)


def find_actuator(visit: Visit, key: str) -> Actuator:
    """The actuator, or 404."""
    actuator = visit.console.services.inventory.actuators.get(key)
    if actuator is None:
        raise HTTPException(404, f"there is no actuator {key[:60]!r}")
    return actuator


def _critical(visit: Visit, actuator: Actuator) -> dict[str, str]:
    return critical_names(visit.texts, find_zone(visit, actuator.zone))


def _back(visit: Visit, reasons: Sequence[Reason], value: str, reason: str) -> DeskStep:
    return DeskStep(value=value, reason=reason, refusals=tuple(reason_texts(visit.texts, reasons)))


def _selected(visit: Visit, selection: Selection, value: str, reason: str, refusals: Sequence[Reason] = ()) -> DeskStep:
    left_s = max(0.0, selection.ends_at_s - visit.console.services.monotonic())
    said = tuple(reason_texts(visit.texts, refusals))
    return DeskStep(name="selected", value=value, reason=reason, selection=selection, seconds_left=left_s, refusals=said)


def _again(visit: Visit, selection_id: str, reasons: Sequence[Reason], value: str, reason: str) -> DeskStep:
    """A value typed wrongly may be typed again while the selection holds; anything else starts over."""
    held = visit.console.selections.find(selection_id, visit.console.services.monotonic())
    if held is not None and held.user == visit.user.name and all(r.code in _TYPED_WRONGLY for r in reasons):
        return _selected(visit, held, value, reason, reasons)
    return _back(visit, reasons, value, reason)


async def _show(visit: Visit, actuator: Actuator, step: DeskStep) -> HTMLResponse:
    zone = find_zone(visit, actuator.zone)
    if not visit.partial:
        return await render_zone(visit, zone, {actuator.key: step})
    snapshot = await visit.console.feed.current()
    return part(
        visit,
        "parts/desk.html",
        actuator=actuator,
        step=step,
        now=snapshot.actuator(actuator.key),
        critical_names=_critical(visit, actuator),
        waiting=await waiting_for_two(visit, actuator.key),
    )


async def waiting_for_two(visit: Visit, key: str) -> ApprovalRequest | None:
    """The order at this actuator that waits for a second person."""
    found = await visit.console.services.desk.approvals(visit.user)
    return next((request for request in found if request.proposal.actuator == key), None)
