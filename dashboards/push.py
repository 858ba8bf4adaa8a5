"""Dashboards into a running Grafana through its HTTP API: a folder a language. Doing it again changes nothing.

    GET /api/folders/:uid ── 404 ─▶ POST /api/folders ──▶ POST /api/dashboards/db (overwrite) ──▶ unchanged | created | updated

For a Grafana that is not ours to give files to. Only folders and dashboards of our own uids are touched. No Grafana server runs in
our tests: a small server there plays these calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from dashboards.specs import Language
from domain.errors import ConfigurationError, KhettaraError

FOLDERS: Mapping[Language, str] = {"fr": "Khettara · Français", "en": "Khettara · English"}
TIMEOUT_S = 20.0
_MESSAGE = "pushed by khettara dashboards push"
_LONGEST_ANSWER = 300

Became = Literal["created", "updated", "unchanged"]


class PushError(KhettaraError):
    """Grafana did not do what it was asked to; says what, what it answered, and what would help. Never holds the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of one folder or dashboard."""

    what: str
    became: Became


def folder_uid(language: Language) -> str:
    """Identity of a language's folder, the same as by file provisioning."""
    return f"khettara-{language}"


def checked_url(url: str) -> str:
    """The address of a Grafana without a slash at its end.

    Raises:
        ConfigurationError: It is no such address, or holds a password: those end up in logs.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            file="command line", key="--url", value=parts.hostname or "", expected="an address such as https://grafana.example.org"
        )
    if parts.username or parts.password:
        raise ConfigurationError(file="command line", key="--url", value="user and password", expected="an address without them")
    return url.rstrip("/")


class Grafana:
    """The calls we need. Use it as a context manager."""

    def __init__(self, url: str, token: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """
        Raises:
            ConfigurationError: The address or the token cannot be right.
        """
        if not token.strip() or not token.isascii() or not token.isprintable():
            raise ConfigurationError(
                file="command line", key="--token", value="(not shown)", expected="a service account token, role Editor"
            )
        self._url = checked_url(url)
        self._client = httpx.Client(
            base_url=self._url,
            timeout=timeout_s,
            headers={"Authorization": f"Bearer {token.strip()}", "Accept": "application/json"},
        )

    def __enter__(self) -> Grafana:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def push(self, files: Mapping[str, Mapping[str, Any]], language: Language) -> Iterator[Pushed]:
        """The dashboards of one language, told one by one.

        Raises:
            PushError: At the first that Grafana refuses; what was told before it is done.
        """
        yield self._folder(language)
        for name, data in sorted(files.items()):
            yield self._dashboard(name, data, folder_uid(language))

    def _folder(self, language: Language) -> Pushed:
        uid, title = folder_uid(language), FOLDERS[language]
        there = self._ask("GET", f"/api/folders/{uid}", None, missing=True)
        if there is None:
            self._ask("POST", "/api/folders", {"uid": uid, "title": title})
            return Pushed(what=f"folder {title}", became="created")
        return Pushed(what=f"folder {title}", became="unchanged")

    def _dashboard(self, name: str, data: Mapping[str, Any], folder: str) -> Pushed:
        there = self._ask("GET", f"/api/dashboards/uid/{data['uid']}", None, missing=True)
        if there is not None and _same(there, data, folder):
            return Pushed(what=name, became="unchanged")
        body = {"dashboard": {**data, "id": None}, "folderUid": folder, "overwrite": True, "message": _MESSAGE}
        self._ask("POST", "/api/dashboards/db", body)
        return Pushed(what=name, became="created" if there is None else "updated")

    def _ask(self, method: str, path: str, body: object, *, missing: bool = False) -> dict[str, Any] | None:
        """The answer; None where nothing is there and that is an answer."""
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise PushError(f"{method} {self._url}{path}: no answer: {type(error).__name__}; is Grafana there?") from error
        if missing and answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if not answer.is_success:
            raise PushError(f"{method} {self._url}{path}: {answer.status_code} {_said(answer)}{_help(answer.status_code)}")
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise PushError(f"{method} {self._url}{path}: the answer is no JSON object; is this address a Grafana's?")
        return found


def _same(there: Mapping[str, Any], data: Mapping[str, Any], folder: str) -> bool:
    """Whether Grafana has this already; it adds numbers of its own."""
    kept, meta = there.get("dashboard"), there.get("meta")
    if not isinstance(kept, dict) or not isinstance(meta, dict) or meta.get("folderUid") != folder:
        return False
    own = ("id", "version")
    return {key: kept[key] for key in kept if key not in own} == {key: data[key] for key in data if key not in own}


def _said(answer: httpx.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        found = answer.text
    text = found.get("message", "") if isinstance(found, dict) else str(found)
    return " ".join(str(text).split())[:_LONGEST_ANSWER]


def _help(status: int) -> str:
    match status:
        case 401:
            return "; the token is not valid here: make one for a service account (Administration, Service accounts)"
        case 403:
            return "; the token's service account may not do this: give it the role Editor"
        case 404:
            return "; there is no Grafana API at this address: is a path such as /grafana missing in --url?"
        case 400:
            return "; a dashboard that came from a file cannot be pushed over: take the file away first"
        case 412:
            return "; somebody changed it meanwhile: try again"
        case _:
            return ""
