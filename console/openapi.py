"""The OpenAPI document: the JSON API alone, with what holds for every operation of it, written once.

Whoever adds a route under ``/api/v1`` finds it here, with log-in, token and errors described.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from console.api_models import Problem, Refusal
from console.runtime import SESSION_COOKIE

PREFIX = "/api/v1"
OPEN = frozenset({("/api/v1/session", "post")})
"""Operations that need no session."""
BY_TOKEN = frozenset({("/api/v1/alertmanager", "post")})
"""Operations that other systems call, with a token of their own."""
DESCRIPTION = """\
Reading, and the steps of the desk. Log in by `POST /api/v1/session`; it answers with a cookie and a token that goes back as header
`X-CSRF-Token` with every POST. Rights, interlocks and audit are those of the console.\
"""
_ERRORS = {
    "400": "What was sent cannot be read, or holds NUL.",
    "401": "Nobody is logged in, the session is over, or name and password do not fit.",
    "403": "The role or its zones do not allow this, or the token is missing.",
    "404": "There is no such thing.",
    "409": "The desk refuses, with every reason; or somebody else was quicker.",
    "413": "Too much was sent.",
    "415": "What was sent is not of a kind that is taken here.",
    "422": "What was sent does not fit the description.",
    "429": "Too many failed log-ins; wait five minutes.",
    "503": "The database does not answer; the same may be tried again.",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once a process."""
    if app.openapi_schema is None:
        app.openapi_schema = _document(app)
    return app.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    document = deepcopy(get_openapi(title="Khettara", version=app.version, description=DESCRIPTION, routes=app.routes))
    document["paths"] = {path: found for path, found in document["paths"].items() if path.startswith(PREFIX)}
    schemas = document["components"]["schemas"]
    for model in (Problem, Refusal):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    document["components"]["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": "Set by POST /api/v1/session."},
        "token": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "The session's csrf_token."},
        "inbox": {"type": "http", "scheme": "bearer", "description": "The token of the inbox for other systems' alerts."},
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(path, method, operation)
    document["components"]["schemas"] = _reached(document["paths"], schemas)
    return document


def _reached(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas that these paths speak of, directly or not: not the pages' forms."""
    found: dict[str, Any] = {}
    waiting = _names(paths)
    while waiting:
        name = waiting.pop()
        found[name] = schemas[name]
        waiting |= _names(schemas[name]) - found.keys()
    return dict(sorted(found.items()))


def _names(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(_names(value) for value in part.values()))
    return set().union(*(_names(value) for value in part)) if isinstance(part, list) else set()


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Errors and log-in of one operation."""
    responses = operation["responses"]
    for status, words in _ERRORS.items():
        if status == "429" and (path, method) not in OPEN:
            continue
        responses[status] = {"description": words, "content": {"application/json": {"schema": _schema(status)}}}
    if (path, method) in BY_TOKEN:
        operation["security"] = [{"inbox": []}]
    elif (path, method) not in OPEN:
        operation["security"] = [{"session": []} if method == "get" else {"session": [], "token": []}]


def _schema(status: str) -> dict[str, Any]:
    problem = {"$ref": "#/components/schemas/Problem"}
    return {"anyOf": [{"$ref": "#/components/schemas/Refusal"}, problem]} if status == "409" else problem
