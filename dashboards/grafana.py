"""From our words to Grafana's JSON, with the grafana-foundation-sdk: the one module that imports it.

The SDK has no query type for PostgreSQL (``PostgresQuery`` is ours), gives panels no ``id`` (we number them, so that links keep
pointing at the same panel), and may leave ``auto*`` keys in query variables that belong to another kind of variable.
"""

from __future__ import annotations

import json
from typing import Any

from grafana_foundation_sdk.builders import common as common_build
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.cog import builder as cog
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard

from dashboards.specs import Column, Dashboard, Panel, Row

PLUGIN = "grafana-postgresql-datasource"
SOURCE = {"type": PLUGIN, "uid": "${ds}"}
TAG = "khettara"
ZONES_SQL = "SELECT name AS __text, zone AS __value FROM v_zone WHERE zone IN (SELECT zone FROM v_inlet) ORDER BY name LIMIT 1000"

AnyPanel = stat.Panel | table.Panel | timeseries.Panel


class PostgresQuery(variants.Dataquery, cog.Builder[variants.Dataquery]):
    """A query of Grafana's PostgreSQL data source, which the SDK lacks."""

    def __init__(self, sql: str, *, time_series: bool, ref_id: str = "A") -> None:
        self._sql, self._format, self._ref_id = sql, "time_series" if time_series else "table", ref_id

    def build(self) -> variants.Dataquery:
        """Itself: it is its own value."""
        return self

    def to_json(self) -> dict[str, object]:
        """As Grafana stores it."""
        return {
            "refId": self._ref_id,
            "datasource": SOURCE,
            "format": self._format,
            "rawQuery": True,
            "editorMode": "code",
            "rawSql": self._sql,
        }


def dashboard_json(spec: Dashboard) -> dict[str, Any]:
    """The dashboard as Grafana reads it, with ids of its panels, and nothing in it that changes from build to build."""
    builder = (
        build.Dashboard(spec.title)
        .uid(spec.uid)
        .description(spec.description)
        .tags([TAG])
        .timezone("browser")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time(spec.time_from, "now")
        .refresh("1m")
        .link(
            build.DashboardLink("Khettara")
            .type(dashboard.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(True)
            .include_vars(True)
        )
        .with_variable(build.DatasourceVariable("ds").label("Base de données · Database").type(PLUGIN))
    )
    if spec.by_zone:
        builder = builder.with_variable(_zone_variable())
    for row in spec.rows:
        builder = builder.with_row(_heading(row))
        for panel in row.panels:
            builder = builder.with_panel(_panel(panel))
    data: dict[str, Any] = json.loads(json.dumps(builder.build(), cls=JSONEncoder))
    return _tidied(data)


def _zone_variable() -> build.QueryVariable:
    return (
        build.QueryVariable("zone")
        .label("Secteur · Zone")
        .datasource(dashboard.DataSourceRef(type_val=PLUGIN, uid="${ds}"))
        .query(ZONES_SQL)
        .refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD)
        .multi(True)
        .include_all(True)
        .current(dashboard.VariableOption(text=["All"], value=["$__all"]))
    )


def _heading(row: Row) -> build.Row:
    return build.Row(row.title)


def _panel(spec: Panel) -> AnyPanel:
    panel: AnyPanel
    match spec.kind:
        case "timeseries":
            panel = _time_series(spec)
        case "stat":
            panel = _stat()
        case "table":
            panel = _table()
    panel = (
        panel.title(spec.title)
        .description(f"{spec.fr}\n\n{spec.en}")
        .datasource(dashboard.DataSourceRef(type_val=PLUGIN, uid="${ds}"))
        .with_target(PostgresQuery(spec.sql, time_series=spec.kind == "timeseries"))
        .unit(spec.unit)
        .span(spec.width)
        .height(spec.height)
    )
    if spec.decimals is not None:
        panel = panel.decimals(spec.decimals)
    if spec.min_interval is not None:
        panel = panel.interval(spec.min_interval)
    if spec.time_from is not None:
        panel = panel.time_from(spec.time_from)
    if spec.empty is not None:
        panel = panel.no_value(spec.empty)
    for column in spec.columns:
        panel = panel.override_by_name(column.name, _properties(column))
    return panel


def _properties(column: Column) -> list[dashboard.DynamicConfigValue]:
    properties = [dashboard.DynamicConfigValue(id_val="unit", value=column.unit)]
    if column.decimals is not None:
        properties.append(dashboard.DynamicConfigValue(id_val="decimals", value=column.decimals))
    return properties


def _time_series(spec: Panel) -> timeseries.Panel:
    legend = common_build.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)
    tooltip = common_build.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    panel = timeseries.Panel().legend(legend).tooltip(tooltip).show_points(common.VisibilityMode.NEVER)
    if spec.bars:
        return panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(60).line_width(0)
    # Where one series misses a value that others have, its line breaks: a line across would be a reading nobody took.
    return panel.draw_style(common.GraphDrawStyle.LINE).line_width(1).fill_opacity(0).span_nulls(False)


def _stat() -> stat.Panel:
    reduce = common_build.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    return stat.Panel().reduce_options(reduce).graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.NONE)


def _table() -> table.Panel:
    return table.Panel().show_header(True).cell_height(common.TableCellHeight.SM)


def _tidied(data: dict[str, Any]) -> dict[str, Any]:
    """Panels numbered in the order of reading; without the keys that the SDK leaves by mistake."""
    for number, panel in enumerate(data["panels"], start=1):
        panel["id"] = number
    for variable in data["templating"]["list"]:
        for key in ("auto", "auto_min", "auto_count"):
            variable.pop(key, None)
    return data
