"""Who may call a route. Every route but the public ones takes one of ``Viewer`` and ``Operator``; whatever changes something must
also bring the session's CSRF token, as form field ``csrf_token`` or header ``X-CSRF-Token``.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from commands.authorisation import ROLES, Right, authorise
from console.i18n import Texts
from console.messages import AlertRow, alert_rows
from console.runtime import SESSION_COOKIE, Runtime, runtime
from console.sessions import Session
from domain.alerts import Alert
from domain.errors import KhettaraError, NotAllowed
from domain.ports import User


class LoginRequired(NotAllowed):
    """Nobody is logged in, or the session is over."""


class Forbidden(NotAllowed):
    """Somebody is logged in, and may not do this."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request by somebody who is logged in."""

    request: Request
    console: Runtime
    session: Session
    user: User
    texts: Texts

    @property
    def partial(self) -> bool:
        """htmx asks for a part of the page only."""
        return self.request.headers.get("hx-request") == "true" and self.request.headers.get("hx-boosted") != "true"

    def alert_rows(self, alerts: Iterable[Alert]) -> list[AlertRow]:
        """Alerts with their texts, in this visit's language and the site's local time."""
        return alert_rows(self.texts, alerts, self.console.services.inventory.site.calendar.zone)

    def may(self, right: Right, zone: str | None, *, actuator: str | None = None) -> bool:
        """Whether the user has a right in a zone, or at one of its actuators."""
        return authorise(self.user, right, zone, self.console.services.inventory.zones, actuator=actuator) is None

    def need(self, right: Right, zone: str | None) -> None:
        """Refuses what the user may not do.

        Raises:
            Forbidden: With the desk's own reason.
        """
        reason = authorise(self.user, right, zone, self.console.services.inventory.zones)
        if reason is not None:
            raise Forbidden(reason.code, reason.text)


async def viewer(request: Request) -> Visit:
    """Somebody who is logged in.

    Raises:
        LoginRequired: Nobody is.
        Forbidden: The account has an unknown role, or the CSRF token is missing or wrong.
    """
    console = runtime(request)
    session = console.sessions.find(request.cookies.get(SESSION_COOKIE), console.services.monotonic())
    if session is None:
        raise LoginRequired("log in first")
    found = await console.services.users.user(session.user_name)
    if found is None:
        console.sessions.close(session)
        raise LoginRequired("this account no longer exists")
    user, _ = found
    if user.role not in ROLES:
        raise Forbidden("unknown_role", f"{user.name} has role {user.role!r}; known roles are {', '.join(ROLES)}")
    if request.method not in ("GET", "HEAD"):
        await _check_csrf(request, session)
    return Visit(request=request, console=console, session=session, user=user, texts=console.texts(request, user.language))


async def page_texts(request: Request) -> Texts:
    """The language of a page that is shown to anybody, logged in or not: an error."""
    console = runtime(request)
    session = console.sessions.find(request.cookies.get(SESSION_COOKIE), console.services.monotonic())
    try:
        found = await console.services.users.user(session.user_name) if session else None
    except KhettaraError:
        found = None
    return console.texts(request, found[0].language if found else None)


async def operator(visit: Annotated[Visit, Depends(viewer)]) -> Visit:
    """Somebody who may operate somewhere; the zone is checked by the route and again by the desk.

    Raises:
        Forbidden: The role only looks.
    """
    if ROLES.index(visit.user.role) < ROLES.index("operator"):
        raise Forbidden("role_too_low", f"{visit.user.name} is {visit.user.role}; this takes operator or higher")
    return visit


Viewer = Annotated[Visit, Depends(viewer)]
Operator = Annotated[Visit, Depends(operator)]


async def _check_csrf(request: Request, session: Session) -> None:
    token = request.headers.get("x-csrf-token", "")
    if "json" not in request.headers.get("content-type", ""):
        form = await request.form()
        await form.close()  # no page of ours takes a file
        if any("\0" in name or (isinstance(value, str) and "\0" in value) for name, value in form.multi_items()):
            raise HTTPException(400, "a form cannot hold NUL")
        field = form.get("csrf_token")
        token = token or (field if isinstance(field, str) else "")
    if not hmac.compare_digest(token.encode(), session.csrf_token.encode()):
        raise Forbidden("csrf", "the page's token is missing or old; reload the page and try again")
