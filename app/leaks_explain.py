"""What ``khettara leaks explain`` prints and draws: one finding among those that a replay kept or a running system has."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from app.leak_output import check_file
from app.leaks_customers import CustomerFinding, customer_picture, customer_text, read_customer
from app.leaks_drawing import Clock, Panel, Plan, read_plan
from app.leaks_plot import Picture, check_suffix, draw, finding_picture
from app.leaks_table import explain_text, one_line, read_finding
from domain.errors import ConfigurationError
from domain.factors import LeakFactors
from domain.findings import Finding

_SOME = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Findings among which one is asked for."""

    where: str
    findings: Mapping[str, Finding]
    clock: Clock
    money: str | None
    factors: LeakFactors | None = None
    customers: Mapping[str, CustomerFinding]
    panels: Mapping[str, Sequence[Panel]]
    """Empty where a running system answers: its pages draw from the readings."""
    plan: Plan | None = None

    def keys(self) -> list[str]:
        """Of all."""
        return [*self.findings, *self.customers]

    def text(self, key: str) -> str:
        """What one rests on."""
        if key in self.customers:
            return customer_text(self.customers[key], self.clock)
        return explain_text(self.findings[key], self.money, self.clock, self.factors)

    def picture(self, key: str) -> Picture:
        """Of one."""
        if key in self.customers:
            return customer_picture(self.customers[key], self.panels[key], self.clock)
        return finding_picture(self.findings[key], self.panels[key], self.plan, self.clock)


def run_explain(
    key: str | None, file: Path | None, data: Path | None, config: Path | None, plot: Path | None, *, console: Console
) -> None:
    """Prints one finding, or a list of all.

    Args:
        key: Of the finding, or the beginning of one; None lists them.
        file: Findings that a replay kept.
        data: Data folder of a demonstration.
        config: Settings of a running system.
        plot: A picture of it, too.
        console: Where it goes.

    Raises:
        ConfigurationError: No such finding, more than one, or nothing to draw.
    """
    if plot is not None:
        check_suffix(plot)
        check_file(plot, "--plot")
    known = read_kept(file) if file is not None else _stored(data, config)
    if key is None:
        for finding in known.findings.values():
            console.print(escape(one_line(finding, known.clock)), highlight=False)
        for leak in known.customers.values():
            console.print(escape(f"{leak.key:<34} {leak.flow_l_h:.0f} L/h, since {known.clock.text(leak.since)}"), highlight=False)
        console.print(f"{len(known.keys())} in {known.where}; moments in {known.clock.words}", highlight=False)
        return
    one = _one(key, known.keys(), known.where)
    console.print(escape(known.text(one)), highlight=False)
    if plot is not None:
        if not known.panels.get(one):
            raise ConfigurationError(
                file=str(plot), key="--plot", value=one, expected="a finding that a replay kept (--from), with readings about it"
            )
        draw(known.picture(one), plot)
        console.print(f"drawn: {plot}", highlight=False)


def _one(key: str, known: Sequence[str], where: str) -> str:
    found = [k for k in known if k == key] or [k for k in known if k.startswith(key)]
    if len(found) == 1:
        return found[0]
    if found:
        more = f" and {len(found) - _SOME} more" if len(found) > _SOME else ""
        expected = f"more of the key: {len(found)} begin so, {', '.join(found[:_SOME])}{more}"
    else:
        near = get_close_matches(key, known, n=3, cutoff=0.3) or known[:3]
        expected = f"the key of a finding; near are {', '.join(near)}" if near else "a file with findings: there is none in it"
    raise ConfigurationError(file=where, key="FINDING", value=key, expected=expected)


def read_kept(file: Path) -> Known:
    """What ``khettara leaks replay --findings`` kept.

    Raises:
        ConfigurationError: The file is not there, or holds something else.
    """
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        findings = [read_finding(entry) for entry in document["findings"]]
        customers = [read_customer(entry) for entry in document.get("customers", [])]
        plan = read_plan(document.get("plan"))
    except (OSError, ValueError, KeyError, TypeError) as error:  # absent, no JSON, or other JSON
        why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            file=str(file), key="--from", value=str(why)[:120], expected="a file that khettara leaks replay --findings wrote"
        ) from error
    return Known(
        where=str(file),
        findings={f.key: f for f, _ in findings},
        customers={c.key: c for c, _ in customers},
        panels={f.key: panels for f, panels in findings} | {c.key: panels for c, panels in customers},
        clock=Clock(timezone=document.get("timezone", "")),
        money=document.get("money"),
        plan=plan,
    )


def _stored(data: Path | None, config: Path | None) -> Known:
    """The findings of a running system or a data folder."""
    from app.demo.layout import Layout
    from app.local import LocalServices
    from app.settings import load_settings
    from app.site import demo_site, load_site
    from storage.roles import Role

    if data is None and config is None and not any(name.startswith("KHETTARA_") for name in os.environ):
        raise ConfigurationError(
            file="command line", key="--from, --data or --config", value=None, expected="one of them: where the findings are"
        )
    with ExitStack() as stack:
        if data is not None:
            if not (data / "postgres").is_dir():
                raise ConfigurationError(
                    file=str(data), key="--data", value="no database there", expected="the folder of a demo, or --from"
                )
            services = stack.enter_context(LocalServices(layout=Layout(root=data)))
            services.start_database(None)
            dsn, site = services.dsn(Role.ANALYTICS), load_site(demo_site())
        else:
            settings = load_settings(config)
            dsn, site = settings.database.of("analytics"), load_site(settings.site.folder)
        found = asyncio.run(_read(dsn))
    factors = site.site.factors
    return Known(
        where=str(data or config or "the database"),
        findings={f.key: f for f in found},
        customers={},
        panels={},
        clock=Clock(timezone=str(site.site.calendar.zone)),
        money=None if factors.water is None else factors.water.unit.partition("/")[0],
        factors=factors,
    )


async def _read(dsn: str) -> list[Finding]:
    from storage.database import Database
    from storage.findings import PostgresFindings

    async with Database(dsn, size=1) as database:
        return list(await PostgresFindings(database).findings())
