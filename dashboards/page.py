"""The page that lists every panel with its unit and what it means, from the same values the dashboards are built from."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alerting import RULES
from dashboards.build import DASHBOARDS
from dashboards.specs import Dashboard, Panel

_INTRODUCTION = """# Dashboards

Made by `khettara dashboards build` from `dashboards/*.py`; a test fails when it is not current. How to use, extend and push them:
[how-to/use-the-dashboards.md](how-to/use-the-dashboards.md).

**What has been tried, and what has not.** No Grafana server ran in our tests. What they do: build every file, check its structure
and its links; run the SQL of every panel × time range × choice of variables as the read-only role, on PostgreSQL and, for
all zones, on TimescaleDB; run every alert rule on data that must and must not fire it; and push into a small server that plays
Grafana's HTTP API. How Grafana draws, and that it accepts the files, is for your first start to show.
"""


def page_text() -> str:
    """The page as Markdown."""
    return "\n".join([_INTRODUCTION, *(line for spec in DASHBOARDS for line in _dashboard(spec)), *_rules()]) + "\n"


def _dashboard(spec: Dashboard) -> Iterator[str]:
    yield f"## {spec.title.en} · {spec.title.fr}"
    yield ""
    yield f"`{spec.uid('en')}`, `{spec.uid('fr')}`. {spec.about.en}"
    if spec.by_zone:
        yield "Variables: region, province, zone; each list follows the choice before it."
    yield ""
    yield "| panel | titre | drawn as | unit | meaning |"
    yield "|---|---|---|---|---|"
    for row in spec.rows:
        for panel in row.panels:
            yield f"| {panel.title.en} | {panel.title.fr} | {panel.kind} | {_units(panel)} | {_cell(panel.about.en)} |"
    yield ""


def _units(panel: Panel) -> str:
    """The panel's unit, and those of columns that have another."""
    found = [panel.unit, *(column.unit for column in panel.columns if not column.hidden)]
    names = [unit.removeprefix("suffix: ") for unit in dict.fromkeys(found) if unit not in ("string", "none", "dateTimeAsIso")]
    return ", ".join(_WORDS.get(name, name) for name in names) or "–"


_WORDS = {"percentunit": "%", "percent": "%", "short": "count", "locale": "the site's money", "kwatt": "kW", "h": "h", "d": "days"}


def _rules() -> Iterator[str]:
    yield "## Alert rules about our own health"
    yield ""
    yield "| rule | règle | beyond | lasts | severity | what to do |"
    yield "|---|---|---|---|---|---|"
    for rule in RULES:
        beyond = f"{'>' if rule.above else '<'} {rule.limit:g}"
        yield f"| {rule.title.en} | {rule.title.fr} | {beyond} | {rule.lasts} | {rule.severity} | {_cell(rule.action.en)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
