"""A whole page or a part of it, with what every page shows: the clock, the age of the data, the alerts, who is logged in."""

from __future__ import annotations

from typing import Any

from fastapi.responses import HTMLResponse

from commands.authorisation import Right
from console.access import Visit
from console.emergency_view import banner_rows
from console.snapshot import Snapshot


async def page(visit: Visit, template: str, *, status: int = 200, snapshot: Snapshot | None = None, **values: Any) -> HTMLResponse:
    """A page for somebody who is logged in; reads the snapshot unless it is given."""
    snapshot = snapshot or await visit.console.feed.current()
    return visit.console.renderer.page(
        template,
        visit.texts,
        status=status,
        user=visit.user,
        csrf=visit.session.csrf_token,
        path=visit.request.url.path,
        snapshot=snapshot,
        emergencies=await banner_rows(visit),
        may_operate=visit.may(Right.PROPOSE, next(iter(visit.user.zones), None)),
        **values,
    )


def part(visit: Visit, template: str, **values: Any) -> HTMLResponse:
    """A part of a page."""
    return visit.console.renderer.page(template, visit.texts, user=visit.user, csrf=visit.session.csrf_token, **values)
