"""The audit: every row of the hash chain, newest page first, and the commands with their outcomes."""

from __future__ import annotations

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from console.access import Viewer
from console.audit_pages import read_page
from console.pages import page

router = APIRouter()


@router.get("/audit")
async def audit_page(visit: Viewer, before: int = Query(default=0, ge=0, le=2**62)) -> HTMLResponse:
    """Rows below ``before``, or the newest."""
    store = visit.console.services.commands
    shown = await read_page(store, before=before)
    commands = await store.commands(limit=50)
    return await page(visit, "audit.html", shown=shown, commands=commands)
