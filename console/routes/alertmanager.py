"""Other systems' alerts, in the webhook format (version 4) of Prometheus Alertmanager. The token in the header is the right."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from alerts.alertmanager import BadPayload, summary_of
from alerts.inbox import AlertInbox
from console.runtime import runtime

router = APIRouter(prefix="/api/v1")
LONGEST_BODY = 1_000_000
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["version", "alerts"],
                    "properties": {
                        "version": {"type": "string", "enum": ["4"]},
                        "alerts": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "No JSON"},
    401: {"description": "No token, or not the right one"},
    404: {"description": "No token is configured: nothing is taken"},
    413: {"description": "More than 1 MB"},
    422: {"description": "No webhook of version 4; where and why"},
}


@router.post("/alertmanager", openapi_extra=_BODY, responses=_ANSWERS)
async def take_webhook(request: Request) -> JSONResponse:
    """Opens and ends alerts; the same again changes nothing. What could not be used is told in ``ignored``."""
    inbox = _inbox(request)
    try:
        inbound = await inbox.take(_parsed(await _body(request)))
    except BadPayload as error:
        return JSONResponse({"error": "bad_payload", "detail": str(error)}, status_code=422)
    return JSONResponse({"taken": summary_of(inbound.conditions), "ignored": list(inbound.ignored)})


def _inbox(request: Request) -> AlertInbox:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    inbox = runtime(request).services.inbox
    if inbox is None:
        raise HTTPException(404, "no token for other systems' alerts is configured here")
    if kind.lower() != "bearer" or not inbox.opens_to(token.strip()):
        raise HTTPException(
            401, "send the header Authorization: Bearer with this console's token", headers={"WWW-Authenticate": "Bearer"}
        )
    return inbox


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > LONGEST_BODY:
            raise HTTPException(413, f"more than {LONGEST_BODY} bytes; set max_alerts in the receiver")
    return bytes(found)


def _parsed(body: bytes) -> object:
    def refuse(name: str) -> object:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError) as error:  # no text, no JSON, numbers without end, or nested without end
        raise HTTPException(400, f"the body is no JSON: {str(error)[:120]}") from None
