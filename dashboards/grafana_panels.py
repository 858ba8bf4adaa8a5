"""Each kind of panel in Grafana's terms. The SDK has no query type for PostgreSQL (``PostgresQuery`` is ours)."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import bargauge, geomap, stat, table, timeseries, trend, xychart
from grafana_foundation_sdk.builders import common as common_build
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog import builder as cog
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import geomap as geomap_model
from grafana_foundation_sdk.models import xychart as xychart_model

from dashboards.links import url
from dashboards.specs import NORMAL, Column, Language, Panel, Step, Words

PLUGIN = "grafana-postgresql-datasource"
SOURCE = {"type": PLUGIN, "uid": "${ds}"}
TILES = "/public/khettara/tiles/{z}/{x}/{y}.png"
"""Tiles under the map come from this Grafana alone, if the utility puts some there: a control room may have no internet, and should
tell nobody which places it looks at."""

AnyPanel = stat.Panel | table.Panel | timeseries.Panel | geomap.Panel | xychart.Panel | trend.Panel | bargauge.Panel


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


def panel_of(spec: Panel, language: Language) -> AnyPanel:
    """The panel, without its id."""
    panel = (
        _drawn(spec, language)
        .title(spec.title.said(language))
        .description(spec.about.said(language))
        .datasource(dashboard.DataSourceRef(type_val=PLUGIN, uid="${ds}"))
        .with_target(PostgresQuery(spec.sql(language), time_series=spec.kind == "timeseries"))
        .unit(spec.unit)
        .span(spec.width)
        .height(spec.height)
        .thresholds(_thresholds(spec.steps or (NORMAL,)))
    )
    if spec.decimals is not None:
        panel = panel.decimals(spec.decimals)
    if spec.min_interval is not None:
        panel = panel.interval(spec.min_interval)
    if spec.time_from is not None:
        panel = panel.time_from(spec.time_from)
    if spec.empty is not None:
        panel = panel.no_value(spec.empty.said(language))
    for column in spec.columns:
        panel = panel.override_by_name(column.name.said(language), _properties(column, language))
    return panel


def _drawn(spec: Panel, language: Language) -> AnyPanel:  # noqa: PLR0911 - one answer a kind
    match spec.kind:
        case "timeseries":
            return _time_series(spec)
        case "stat":
            return _stat(spec)
        case "table":
            return table.Panel().show_header(True).cell_height(common.TableCellHeight.SM)
        case "geomap":
            return _map(spec, language)
        case "xychart":
            return _xy_chart(spec, language)
        case "trend":
            legend = common_build.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)
            return trend.Panel().legend(legend).line_width(1).fill_opacity(0).show_points(common.VisibilityMode.NEVER)
        case "bargauge":
            return (
                bargauge.Panel()
                .orientation(common.VizOrientation.HORIZONTAL)
                .display_mode(common.BarGaugeDisplayMode.BASIC)
                .reduce_options(_last())
                .min(0)
            )


def _thresholds(steps: tuple[Step, ...]) -> build.ThresholdsConfig:
    found = [dashboard.Threshold(value=step.value, color=step.color) for step in steps]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(found)


def _properties(column: Column, language: Language) -> list[dashboard.DynamicConfigValue]:
    values: list[tuple[str, Any]] = [("unit", column.unit)]
    if column.decimals is not None:
        values.append(("decimals", column.decimals))
    if column.hidden:
        values.append(("custom.hidden", True))
    if column.link is not None:
        values.append(("links", [{"title": column.link.title.said(language), "url": url(column.link, language)}]))
    values += [(f"custom.{name}", value.said(language) if isinstance(value, Words) else value) for name, value in column.drawn]
    return [dashboard.DynamicConfigValue(id_val=name, value=value) for name, value in values]


def _time_series(spec: Panel) -> timeseries.Panel:
    legend = common_build.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)
    tooltip = common_build.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    panel = timeseries.Panel().legend(legend).tooltip(tooltip).show_points(common.VisibilityMode.NEVER)
    if spec.bars:
        return panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(60).line_width(0)
    # Where one series misses a value that others have, its line breaks: a line across would be a reading nobody took.
    return panel.draw_style(common.GraphDrawStyle.LINE).line_width(1).fill_opacity(0).span_nulls(False)


def _last() -> common_build.ReduceDataOptions:
    return common_build.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _stat(spec: Panel) -> stat.Panel:
    color = common.BigValueColorMode.VALUE if spec.steps else common.BigValueColorMode.NONE
    return stat.Panel().reduce_options(_last()).graph_mode(common.BigValueGraphMode.NONE).color_mode(color)


def _map(spec: Panel, language: Language) -> geomap.Panel:
    """A mark a row of ``lat``, ``lon``: coloured by the first column that is no text, labelled by the first of all."""
    shown = [column for column in spec.columns if not column.hidden]
    value = next(column.name.said(language) for column in shown if column.unit != "string")
    marks: dict[str, object] = {
        "showLegend": True,
        "style": {
            "color": {"field": value, "fixed": NORMAL.color},
            "opacity": 0.8,
            "size": {"fixed": 12, "min": 8, "max": 20},
            "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
            "text": {"mode": "field", "field": shown[0].name.said(language), "fixed": ""},
            "textConfig": {"fontSize": 12, "offsetX": 0, "offsetY": -18, "textAlign": "center", "textBaseline": "middle"},
        },
    }
    layer = common.MapLayerOptions(
        type_val="markers",
        name=spec.title.said(language),
        config=marks,
        location=common.FrameGeometrySource(mode=common.FrameGeometrySourceMode.COORDS, latitude="lat", longitude="lon"),
        tooltip=True,
    )
    tiles = common.MapLayerOptions(
        type_val="xyz", name="tiles", config={"url": TILES, "attribution": "", "minZoom": 2, "maxZoom": 18}
    )
    return (
        geomap.Panel()
        .view(geomap.MapViewConfig().id("fit").all_layers(True).padding(20).max_zoom(15))
        .controls(geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(True).show_scale(True))
        .basemap(_Ready(tiles))
        .layers([_Ready(layer)])
        .tooltip(geomap.TooltipOptions().mode(geomap_model.TooltipMode.DETAILS))
        .color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
    )


class _Ready(cog.Builder[common.MapLayerOptions]):
    """A value as a builder of itself: the SDK wants builders."""

    def __init__(self, value: common.MapLayerOptions) -> None:
        self._value = value

    def build(self) -> common.MapLayerOptions:
        return self._value


def _xy_chart(spec: Panel, language: Language) -> xychart.Panel:
    """Lines and hollow circles over the first column: the one panel of Grafana whose points may be without a filling."""
    legend = common_build.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)
    first, *others = (column.name.said(language) for column in spec.columns)
    series: list[cog.Builder[xychart_model.XYSeriesConfig]] = [
        xychart.XYSeriesConfig()
        .x(xychart.XychartXYSeriesConfigX().matcher(_by_name(first)))
        .y(xychart.XychartXYSeriesConfigY().matcher(_by_name(name)))
        .name(xychart.XychartXYSeriesConfigName().fixed(name))
        for name in others
    ]
    return (
        xychart.Panel()
        .legend(legend)
        .mapping(xychart_model.SeriesMapping.MANUAL)
        .series(series)
        .show(xychart_model.XYShowMode.POINTS)
        .point_shape(xychart_model.PointShape.CIRCLE)
        .point_size(xychart.XychartFieldConfigPointSize().fixed(7))
        .point_stroke_width(2)
        .fill_opacity(0)
    )


def _by_name(name: str) -> xychart.MatcherConfig:
    return xychart.MatcherConfig().id("byName").options(name)
