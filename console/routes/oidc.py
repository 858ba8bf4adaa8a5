"""Logging in through the utility's identity provider, where one is configured. Local log-in stays."""

from __future__ import annotations

from dataclasses import replace

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console.oidc import MARK, Identity, OidcLogin, OidcRefused
from console.routes.auth import local_path, login_form, set_session_cookie
from console.runtime import OIDC_COOKIE, Runtime, runtime

router = APIRouter()
_STATUS = {"oidc_away": 503, "oidc_old": 403, "oidc_no_role": 403, "oidc_name": 403}
log = structlog.get_logger(__name__)


@router.get("/login/oidc", response_model=None)
async def begin(request: Request, next: str = "/") -> Response:
    """Sends the browser to the provider, with a cookie that ties the attempt to it."""
    console = runtime(request)
    try:
        attempt_id, address = await _provider(console).begin(local_path(next), console.services.monotonic())
    except OidcRefused as refused:
        return _refused(request, refused)
    response = RedirectResponse(address, status_code=303)
    value = f"{attempt_id}.{console.sessions.sign('oidc', attempt_id)}"
    # Lax: it must come back with a browser that another site sends here.
    secure = request.url.scheme == "https"
    response.set_cookie(OIDC_COOKIE, value, max_age=600, httponly=True, secure=secure, samesite="lax", path="/login/oidc")
    return response


@router.get("/login/oidc/answer", response_model=None)
async def answer(request: Request) -> Response:
    """What the browser brings back from the provider: a session, or the reason why not."""
    console = runtime(request)
    provider = _provider(console)
    attempt_id, _, signature = request.cookies.get(OIDC_COOKIE, "").rpartition(".")
    try:
        if not attempt_id or not console.sessions.signed("oidc", attempt_id, signature):
            raise OidcRefused("oidc_old", "the browser holds no log-in that is under way")
        services = console.services
        claims, target = await provider.finish(
            attempt_id, dict(request.query_params), now_s=services.monotonic(), now=services.wall()
        )
        found = provider.identify(claims, tuple(services.inventory.zones), console.texts(request).language, target)
        await _save(console, found)
    except OidcRefused as refused:
        return _refused(request, refused)
    session = console.sessions.open(found.user.name, console.services.monotonic())
    # A page of our own, not a redirect: the session's strict cookie does not go with a journey that began at another site.
    response = console.renderer.page("entered.html", console.texts(request), path="/login", target=found.target)
    set_session_cookie(console, request, response, session)
    response.delete_cookie(OIDC_COOKIE, path="/login/oidc")
    return response


async def _save(console: Runtime, found: Identity) -> None:
    """The account as the provider sees it today; whose name it was before is never overwritten."""
    known = await console.services.users.user(found.user.name)
    if known is not None and known[1] != found.mark:
        whose = "another identity's" if known[1].startswith(MARK) else "a local account's"
        raise OidcRefused("oidc_name", f"the name {found.user.name!r} is {whose}")
    user = found.user if known is None else replace(found.user, language=known[0].language)
    if known is not None and known[0] == user:
        return
    body = {"role": user.role, "zones": sorted(user.zones), "identity": found.mark}
    at = console.services.clock.now()
    await console.services.commands.audit(at=at, actor="oidc", action="user.saved", subject=user.name, body=body)
    await console.services.users.save_user(user, found.mark)


def _provider(console: Runtime) -> OidcLogin:
    found = console.services.oidc
    if found is None:
        raise HTTPException(404, "no identity provider is configured here")
    return found


def _refused(request: Request, refused: OidcRefused) -> HTMLResponse:
    log.warning("log-in through the identity provider refused", code=refused.code, detail=refused.detail)
    response = login_form(request, next="/", error=f"login.{refused.code}", status=_STATUS.get(refused.code, 401))
    response.delete_cookie(OIDC_COOKIE, path="/login/oidc")
    return response
