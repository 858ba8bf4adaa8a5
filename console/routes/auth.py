"""Logging in and out, and the choice of language."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from console.access import Viewer
from console.i18n import LANGUAGES
from console.runtime import LANGUAGE_COOKIE, LOGIN_COOKIE, SESSION_COOKIE, Runtime, runtime
from console.sessions import Session

router = APIRouter()
_YEAR_S = 365 * 24 * 3600


@router.get("/login")
async def login_page(request: Request, next: str = "/") -> HTMLResponse:
    """The log-in form, with a token that ties it to this browser."""
    return login_form(request, next=local_path(next))


@router.post("/login", response_model=None)
async def log_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    login_token: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Checks name and password; on success opens a session and goes where the visitor wanted to go."""
    console = runtime(request)
    target = local_path(next)
    nonce = request.cookies.get(LOGIN_COOKIE, "")
    if not nonce or not console.sessions.signed("login", nonce, login_token):
        return login_form(request, next=target, name=name, error="login.form_old", status=403)
    problem = await check_login(console, request, name, password)
    if isinstance(problem, str):
        status = 429 if problem == "login.locked" else 401
        return login_form(request, next=target, name=name, error=problem, status=status)
    response = RedirectResponse(target, status_code=303)
    set_session_cookie(console, request, response, problem)
    response.delete_cookie(LOGIN_COOKIE)
    return response


@router.post("/logout")
async def log_out(visit: Viewer) -> RedirectResponse:
    """Ends the session."""
    visit.console.sessions.close(visit.session)
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.get("/language/{code}")
async def choose(request: Request, code: str, next: str = "/") -> RedirectResponse:
    """Keeps the language for this browser and goes back."""
    response = RedirectResponse(local_path(next), status_code=303)
    if code in LANGUAGES:
        secure = request.url.scheme == "https"
        response.set_cookie(LANGUAGE_COOKIE, code, max_age=_YEAR_S, httponly=True, secure=secure, samesite="lax")
    return response


async def check_login(console: Runtime, request: Request, name: str, password: str) -> Session | str:
    """A new session, or the key of the sentence that says why not. Never says whether the name exists."""
    now_s = console.services.monotonic()
    name = name.strip()[:100]
    address = request.client.host if request.client else ""
    if console.guard.locked_for(name, address, now_s) > 0:
        return "login.locked"
    found = await console.services.users.user(name) if name else None
    stored = found[1] if found else None
    if not await console.passwords.matches(password, stored) or found is None:
        console.guard.failed(name, address, now_s)
        return "login.locked" if console.guard.locked_for(name, address, now_s) > 0 else "login.wrong"
    console.guard.succeeded(name, address)
    return console.sessions.open(found[0].name, now_s)


def set_session_cookie(console: Runtime, request: Request, response: Response, session: Session) -> None:
    """Hands the session to the browser: not readable by scripts, not sent from other sites, only over TLS where there is TLS."""
    secure = request.url.scheme == "https"
    response.set_cookie(SESSION_COOKIE, console.sessions.cookie(session), httponly=True, secure=secure, samesite="strict", path="/")


def local_path(target: str) -> str:
    """The target if it is a path of this console, else the first page: nobody is sent elsewhere by a link."""
    inside = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return target if inside and target.isprintable() and len(target) < 300 else "/"


def login_form(request: Request, *, next: str, name: str = "", error: str = "", status: int = 200) -> HTMLResponse:
    """The form, with what was wrong the last time."""
    console = runtime(request)
    nonce = request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(24)
    response = console.renderer.page(
        "login.html", console.texts(request), status=status, path="/login", next=next, name=name, error=error,
        login_token=console.sessions.sign("login", nonce), oidc=console.services.oidc is not None,
    )  # fmt: skip
    response.set_cookie(LOGIN_COOKIE, nonce, httponly=True, secure=request.url.scheme == "https", samesite="strict", path="/login")
    return response
