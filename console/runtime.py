"""What the routes share: services, sessions, feed and texts, made once by ``create_app``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from console.desk_steps import SelectionMemory
from console.feed import Feed
from console.i18n import Texts, choose_language
from console.lockout import LoginGuard
from console.packed import Packed
from console.passwords import PasswordChecker
from console.ports import ConsoleServices
from console.render import Renderer
from console.sessions import SessionStore

SESSION_COOKIE = "khettara_session"
LANGUAGE_COOKIE = "khettara_language"
LOGIN_COOKIE = "khettara_login"
OIDC_COOKIE = "khettara_oidc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """One console."""

    services: ConsoleServices
    sessions: SessionStore
    guard: LoginGuard
    passwords: PasswordChecker
    feed: Feed
    renderer: Renderer
    selections: SelectionMemory
    catalogues: Mapping[str, Texts]
    network: Packed
    """The map document."""

    def texts(self, request: Request, preferred: str | None = None) -> Texts:
        """The catalogue for this request."""
        return self.catalogues[choose_language(request.cookies.get(LANGUAGE_COOKIE), preferred)]


def runtime(request: Request) -> Runtime:
    """The console this request came to."""
    found = request.app.state.console
    assert isinstance(found, Runtime)  # noqa: S101  (set by create_app)
    return found
