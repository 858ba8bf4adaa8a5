"""What never stands still: the event stream, and whether the console itself is well."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, StreamingResponse

from console.access import Viewer, Visit
from console.runtime import runtime
from console.wire import Document

router = APIRouter()


@router.get("/events")
async def events(visit: Viewer) -> StreamingResponse:
    """Snapshots as Server-Sent Events: the first whole, then what changes. A stream that was cut begins with a whole one again."""
    return StreamingResponse(_stream(visit), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


@router.get("/healthz")
async def health(request: Request) -> JSONResponse:
    """200 while the sources can be read, 503 while they cannot."""
    console = runtime(request)
    snapshot = await console.feed.current()
    body = {"ok": not snapshot.problem, "problem": snapshot.problem, "watchers": console.feed.watchers}
    return JSONResponse(body, status_code=503 if snapshot.problem else 200)


async def _stream(visit: Visit) -> AsyncIterator[str]:
    console = visit.console
    held: Document | None = None
    yield "retry: 2000\n\n"
    async for snapshot in console.feed.watch():
        if not console.sessions.alive(visit.session.session_id, console.services.monotonic()):
            yield "event: logout\ndata: {}\n\n"
            return
        if snapshot is None:
            yield ": still here\n\n"
        else:
            held, event = console.feed.event(held, snapshot)
            yield event
