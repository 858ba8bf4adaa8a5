"""From our words to Grafana's JSON, with the grafana-foundation-sdk: with ``grafana_panels`` the only module that imports it.

The SDK gives panels no ``id`` (we number them, so that links keep pointing at the same panel), and may leave ``auto*`` keys in
query variables that belong to another kind of variable.
"""

from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards.grafana_panels import PLUGIN, SOURCE, panel_of
from dashboards.specs import CONSOLE, Dashboard, Language, Words
from dashboards.variables import PLACES, QueryVariable

__all__ = ["PLUGIN", "SOURCE", "dashboard_json", "tag"]

_OTHERS = Words("Autres tableaux", "Other dashboards")
_CONSOLE = Words("Console des opérateurs", "Operators' console")
_SOURCE = Words("Base de données", "Database")


def tag(language: Language) -> str:
    """What every dashboard of a language carries; links lead to all that do."""
    return f"khettara-{language}"


def dashboard_json(spec: Dashboard, language: Language) -> dict[str, Any]:
    """The dashboard as Grafana reads it, with ids of its panels, and nothing in it that changes from build to build."""
    builder = (
        build.Dashboard(spec.title.said(language))
        .uid(spec.uid(language))
        .description(spec.about.said(language))
        .tags(["khettara", tag(language)])
        .timezone("browser")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time(spec.time_from, "now")
        .refresh("1m")
        .link(
            build.DashboardLink(_OTHERS.said(language))
            .type(dashboard.DashboardLinkType.DASHBOARDS)
            .tags([tag(language)])
            .keep_time(True)
            .include_vars(True)
        )
        .link(
            build.DashboardLink(_CONSOLE.said(language))
            .type(dashboard.DashboardLinkType.LINK)
            .url("${console}/")
            .target_blank(True)
            .icon("external link")
        )
        .with_variable(build.DatasourceVariable("ds").label(_SOURCE.said(language)).type(PLUGIN))
    )
    for variable in PLACES if spec.by_zone else ():
        builder = builder.with_variable(_choice(variable, language))
    builder = builder.with_variable(build.TextBoxVariable("console").label(_CONSOLE.said(language)).default_value(CONSOLE))
    for row in spec.rows:
        builder = builder.with_row(build.Row(row.title.said(language)))
        for panel in row.panels:
            builder = builder.with_panel(panel_of(panel, language))
    data: dict[str, Any] = json.loads(json.dumps(builder.build(), cls=JSONEncoder))
    return _tidied(data)


def _choice(variable: QueryVariable, language: Language) -> build.QueryVariable:
    return (
        build.QueryVariable(variable.name)
        .label(variable.label.said(language))
        .datasource(dashboard.DataSourceRef(type_val=PLUGIN, uid="${ds}"))
        .query(variable.sql(language))
        .refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD)
        .multi(True)
        .include_all(True)
        .current(dashboard.VariableOption(text=["All"], value=["$__all"]))
    )


def _tidied(data: dict[str, Any]) -> dict[str, Any]:
    """Panels numbered in the order of reading; without the keys that the SDK leaves by mistake."""
    for number, panel in enumerate(data["panels"], start=1):
        panel["id"] = number
    for variable in data["templating"]["list"]:
        for key in ("auto", "auto_min", "auto_count"):
            variable.pop(key, None)
    return data
