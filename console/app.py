"""The console as one ASGI application: ``create_app(services)``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from console.access import Forbidden, LoginRequired, page_texts
from console.desk_steps import SelectionMemory
from console.feed import Feed
from console.geometry import map_document
from console.headers import FIXED, PlainAddresses, SecurityHeaders
from console.i18n import load_texts
from console.invalid import place_text, problem_text
from console.lockout import LoginGuard
from console.packed import Packed
from console.passwords import PasswordChecker
from console.ports import ConsoleServices
from console.render import Renderer
from console.routes import ROUTERS
from console.runtime import Runtime, runtime
from console.sessions import SessionStore
from domain.errors import KhettaraError, NotAllowed

_STATIC = Path(__file__).parent / "static"


def create_app(services: ConsoleServices) -> FastAPI:
    """The console over these services. Nothing is read or started before the first request.

    Raises:
        ValueError: The session secret is shorter than 32 bytes.
        ConfigurationError: A language catalogue cannot be read.
    """
    console = _runtime(services)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await console.feed.close()

    app = FastAPI(title="Khettara console", version="1", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.console = console
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_exception_handler(LoginRequired, _log_in_first)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _does_not_fit)
    app.add_exception_handler(NotAllowed, _forbidden)
    app.add_exception_handler(KhettaraError, _impossible)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(PlainAddresses)
    app.add_middleware(SecurityHeaders)
    return app


def _runtime(services: ConsoleServices) -> Runtime:
    site, catalogues = services.inventory.site, load_texts()
    return Runtime(
        services=services,
        sessions=SessionStore(services.session_secret, lifetime_s=services.options.session_s, idle_s=services.options.idle_s),
        guard=LoginGuard(),
        passwords=PasswordChecker(),
        feed=Feed(services),
        renderer=Renderer(site_names=site.names, local=site.calendar.zone, catalogues=catalogues),
        selections=SelectionMemory(),
        catalogues=catalogues,
        network=Packed.of(map_document(services.geometry, services.inventory)),
    )


async def _log_in_first(request: Request, _error: Exception) -> Response:
    if _wants_json(request):
        return JSONResponse({"error": "log_in_first", "detail": "log in first"}, status_code=401)
    page = request.url.path if request.method == "GET" else "/"
    target = f"/login?next={quote(page, safe='/')}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"hx-redirect": "/login"})
    return RedirectResponse(target, status_code=303)


async def _forbidden(request: Request, error: Exception) -> Response:
    code = getattr(error, "code", "forbidden")
    return await _error(request, 403, str(error), code=code)


async def _http_error(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    response = await _error(request, status, str(getattr(error, "detail", error)), code=f"http_{status}")
    for name, value in (getattr(error, "headers", None) or {}).items():
        response.headers[name] = value
    return response


async def _does_not_fit(request: Request, error: Exception) -> Response:
    """What was sent is not as described. Where and why is said; what was sent is not said again: it may be no JSON at all."""
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    texts = await page_texts(request)
    problems = [problem_text(texts, e) for e in found]
    where = [
        {"place": ".".join(str(part) for part in e["loc"]), "problem": problem, "code": str(e["type"])}
        for e, problem in zip(found, problems, strict=True)
    ]
    detail = "; ".join(f"{place_text(texts, e)}: {problem}" for e, problem in zip(found, problems, strict=True))
    if _wants_json(request):
        return JSONResponse({"error": "http_422", "detail": detail, "where": where}, status_code=422)
    return await _error(request, 422, detail, code="http_422")


async def _impossible(request: Request, error: Exception) -> Response:
    """The database is away, or somebody else was quicker."""
    away = isinstance(error, KhettaraError) and error.retryable
    return await _error(request, 503 if away else 409, str(error), code="unavailable" if away else "conflict")


async def _broken(request: Request, _fault: Exception) -> Response:
    """A fault of ours: said in the page's language; the server logs it, and the headers are not added further out."""
    response = await _error(request, 500, "the console has a fault here; it is logged", code="http_500")
    for name, value in FIXED.items():
        response.headers[name] = value
    return response


async def _error(request: Request, status: int, detail: str, *, code: str) -> Response:
    if _wants_json(request):
        return JSONResponse({"error": code, "detail": detail}, status_code=status)
    console = runtime(request)
    texts = await page_texts(request)
    title = texts.find(f"error.{status}") or texts("error.other")
    known = texts.find(f"reason.{code}")
    exactly = detail if known and status in (409, 422) else ""  # which value, or what stands against it: a reason is never lost
    values: dict[str, Any] = {
        "path": request.url.path,
        "title": title,
        "detail": known or detail,
        "exactly": exactly,
        "code": status,
    }
    return console.renderer.page("error.html", texts, status=status, **values)


def _wants_json(request: Request) -> bool:
    path = request.url.path
    return path.startswith("/api/") or path == "/events" or path.endswith(".json")
