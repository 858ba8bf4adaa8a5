"""``khettara alarms …``: what the rules of the alarms make of recorded findings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

alarms = typer.Typer(no_args_is_help=True, help="Alarms: what belongs to one cause.")


@alarms.command("group")
def alarms_group(
    findings: Annotated[Path, typer.Argument(help="Findings that khettara leaks replay kept (--findings).", dir_okay=False)],
    site: Annotated[Path | None, typer.Option(help="Site whose zones they are; without, zones stand side by side.")] = None,
) -> None:
    """Counts the alarms that operators would have been told of, and names each common cause."""
    from app.alarm_grouping import group_findings, read_findings, side_by_side, span_of
    from app.site import load_site

    kept = read_findings(findings)
    found = group_findings(kept, side_by_side(kept) if site is None else load_site(site).zones)
    grouped = sum(len(members) for _, members in found.events)
    typer.echo(
        f"{found.findings} findings, {found.told} alarms to the operator; {len(found.events)} events for {grouped} of the findings"
    )
    for event, members in found.events:
        first, last = span_of(members)
        areas = ", ".join(a.zone or "?" for a in members)
        typer.echo(f"  {event.code} from {first:%Y-%m-%d %H:%M} to {last:%H:%M} UTC: {areas}")
