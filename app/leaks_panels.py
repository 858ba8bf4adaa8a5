"""Which series show a finding best, by what the zone has: nights, the balance, the inflow about the onset, pressures at gauges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.leaks_drawing import CLAIMED, OTHER, SEEN, USUAL, Line, Panel, Plan
from domain.findings import Finding, FindingKind
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.inputs import ZoneInputs
from leak_detection.network_leaks import GAUGE
from leak_detection.night_flow import minimum_night_flows
from leak_detection.zone_replay import ZoneRecording, ZoneTrack
from simulator.inp import Row

_DAY_S = 86400.0
_BEFORE_DAYS, _AFTER_DAYS, _MOST_DAYS = 28.0, 21.0, 240.0
"""About a finding: before its onset, after the moment of finding, and before that moment at the most."""
_GUARD_DAYS = 1.0
"""Before the onset: it is not known to the hour, and what is usual ends before it."""
_BAND_SDS = 2.0
_WEEKS = 4
_LEAST_BEFORE = 3
_FEW = 120
"""So few values are drawn as points, too."""
_NIGHT_HOURS = slice(2, 5)


def _span(finding: Finding) -> tuple[float, float]:
    since, found = finding.since.timestamp(), finding.found_at.timestamp()
    return max(since - _BEFORE_DAYS * _DAY_S, found - _MOST_DAYS * _DAY_S), found + _AFTER_DAYS * _DAY_S


def _held_against(finding: Finding, name: str) -> tuple[float, float] | None:
    """What the detector held its evidence against, and the standard deviation of one look."""
    return next(((e.expected, e.sd) for e in finding.evidence if e.name == name), None)


def _before(finding: Finding, times_s: FloatArray, values: FloatArray) -> tuple[float, float] | None:
    """Median and robust standard deviation of the weeks before the onset; None with too few of them."""
    since = finding.since.timestamp()
    before = values[(times_s >= since - _BEFORE_DAYS * _DAY_S) & (times_s < since - _GUARD_DAYS * _DAY_S)]
    known = before[np.isfinite(before)]
    return (float(np.median(known)), robust.scalar_sd(known)) if known.size >= _LEAST_BEFORE else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Series:
    """Values about a finding, to be drawn beside what is usual."""

    title: str
    unit: str
    label: str
    times_s: FloatArray
    values: FloatArray
    usual: tuple[float, float] | None
    """And its standard deviation."""
    others: tuple[Line, ...] = ()

    def panel(self, finding: Finding) -> Panel:
        """Cut to the time about the finding; a band of two standard deviations."""
        first, last = _span(finding)
        near = (self.times_s >= first) & (self.times_s <= last)
        lines = [Line(label=self.label, role=SEEN, values=self.values[near])]
        half = 0.0
        if self.usual is not None:
            half = _BAND_SDS * self.usual[1] if np.isfinite(self.usual[1]) else 0.0
            label = f"usual, {self.usual[0]:.2f} ± {half:.2f} (2 sd)"
            lines.append(Line(label=label, role=USUAL, values=np.full(int(near.sum()), self.usual[0])))
        lines += [Line(label=o.label, role=o.role, values=o.values[near]) for o in self.others]
        return Panel(
            title=self.title, unit=self.unit, times_s=self.times_s[near], lines=tuple(lines), half_width=half,
            marks=int(near.sum()) <= _FEW,
        )  # fmt: skip


def metered_zone_panels(finding: Finding, recording: ZoneRecording, track: ZoneTrack, epoch_s: float) -> tuple[Panel, ...]:
    """A zone with customers' meters: its balance (or how inflow and meters stand to one another), and its nights."""
    hours = recording.inflow_m3h.size // 24 * 24
    days = epoch_s + _DAY_S * np.arange(hours // 24, dtype=np.float64)
    inflow, meters = (v[:hours].reshape(-1, 24) for v in (recording.inflow_m3h, recording.meters_m3h))
    metered = Line(label="customers' meters at night", role=OTHER, values=_least(meters[:, _NIGHT_HOURS]))
    nights = _nights(days + 5 * 3600.0, _least(inflow[:, _NIGHT_HOURS]), None, (metered,)).panel(finding)
    if finding.kind is FindingKind.METER_FAULT:
        use = robust.mean(meters, axis=1)
        ratio = robust.mean(inflow, axis=1) / np.where(use > 0, use, np.nan)
        series = _Series(
            title="Inflow per metered flow, by the day", unit="1", label="inflow / meters", times_s=days + _DAY_S / 2,
            values=ratio, usual=_before(finding, days + _DAY_S / 2, ratio),
        )  # fmt: skip
        return series.panel(finding), nights
    return _balance(finding, track, epoch_s + 3600.0 * track.end_h), nights


def _balance(finding: Finding, track: ZoneTrack, times_s: FloatArray) -> Panel:
    """The leakage by the balance beside what it was held against, and all that is told and open on top of that."""
    usual = _held_against(finding, "zone_balance")
    open_m3h = np.where(times_s >= finding.found_at.timestamp(), track.open_m3h, np.nan)
    told = () if usual is None else (Line(label="usual and all leaks told and open", role=CLAIMED, values=usual[0] + open_m3h),)
    return _Series(
        title="Inflow that the customers' meters do not explain", unit="m³/h", label="leakage by the balance", times_s=times_s,
        values=track.leakage_m3h, usual=usual, others=told,
    ).panel(finding)  # fmt: skip


def _least(nights: FloatArray) -> FloatArray:
    """Least hour of each night, NaN with an hour missing."""
    return np.asarray(np.where(np.isfinite(nights).all(axis=1), nights.min(axis=1), np.nan))


def _nights(
    times_s: FloatArray,
    flow: FloatArray,
    usual: tuple[float, float] | None,
    others: tuple[Line, ...] = (),
    label: str = "inflow at night",
) -> _Series:
    return _Series(
        title="Night flow: the least hour between 02:00 and 05:00", unit="m³/h", label=label, times_s=times_s,
        values=flow, usual=usual, others=others,
    )  # fmt: skip


def inflow_panels(finding: Finding, inputs: ZoneInputs) -> tuple[Panel, ...]:
    """A zone with an inflow meter alone: its nights, and its inflow about the onset beside the same hours of the weeks before."""
    nights = minimum_night_flows(
        inputs.inflow_m3h, inputs.day, inputs.minute, start_s=inputs.start_s, step_s=inputs.step_s, complete_until_s=inputs.end_s
    )
    usual = _held_against(finding, "night_flow") or _before(finding, nights.end_s, nights.flow_m3h)
    week = _week_panel(finding, inputs.start_s, inputs.step_s, inputs.inflow_m3h, "Inflow about the onset")
    return _nights(nights.end_s, nights.flow_m3h, usual).panel(finding), week


def _week_panel(finding: Finding, start_s: float, step_s: float, flow: FloatArray, title: str) -> Panel:
    """Three days before the onset and four after it, beside the median of the same hours of the four weeks before."""
    week = round(7 * _DAY_S / step_s)
    onset = round((finding.since.timestamp() - start_s) / step_s)
    first = max(0, onset - 3 * week // 7)
    last = min(flow.size, onset + 4 * week // 7)
    rows = np.arange(first, last)
    back = rows[:, None] - week * np.arange(1, _WEEKS + 1)
    past = np.where(back >= 0, flow[np.maximum(back, 0)], np.nan)
    usual = robust.median(past, axis=1) if rows.size else np.zeros(0)
    return Panel(
        title=title, unit="m³/h", times_s=start_s + step_s * rows.astype(np.float64),
        lines=(
            Line(label="inflow", role=SEEN, values=flow[first:last]),
            Line(label="same hours of the four weeks before", role=USUAL, values=usual),
        ),
    )  # fmt: skip


def network_panels(
    finding: Finding, residual_m: FloatArray, gauges: Sequence[str], nights_m3h: FloatArray, start_s: float
) -> tuple[Panel, ...]:
    """A network: pressures that the flows do not explain at the gauges that show it most, and the nights of all its meters.

    Args:
        finding: With its evidence of gauges.
        residual_m: By day and gauge.
        gauges: Their names.
        nights_m3h: Metered inflow of each night.
        start_s: Of the first day.
    """
    days = start_s + _DAY_S * np.arange(len(residual_m), dtype=np.float64)
    first, last = _span(finding)
    near = (days >= first) & (days <= last)
    before = (days >= finding.since.timestamp() - _BEFORE_DAYS * _DAY_S) & (days < finding.since.timestamp() - _GUARD_DAYS * _DAY_S)
    told = [e.name.removeprefix(GAUGE) for e in finding.evidence if e.name.startswith(GAUGE)]
    lines = []
    for name in (n for n in told if n in gauges):
        values = residual_m[:, list(gauges).index(name)]
        known = values[before & np.isfinite(values)]
        level = float(np.median(known)) if known.size else 0.0
        lines.append(Line(label=name, role=SEEN, values=values[near] - level))
    night_s = days + 5 * 3600.0
    nights = _nights(night_s, nights_m3h, _before(finding, night_s, nights_m3h), label="inlets less pumps").panel(finding)
    if not lines:
        return (nights,)
    lines.append(Line(label="as before the onset", role=USUAL, values=np.zeros(int(near.sum()))))
    pressure = Panel(
        title="Pressure that the metered flows do not explain, by the day", unit="m", times_s=days[near] + _DAY_S / 2,
        lines=tuple(lines),
    )  # fmt: skip
    return pressure, nights


def plan_of(sections: Mapping[str, Sequence[Row]], gauges: Sequence[str]) -> Plan | None:
    """The network of an EPANET file from above; None where it has no coordinates."""
    at = {}
    for row in sections.get("COORDINATES", ()):
        try:
            at[row.words[0]] = (float(row.words[1]), float(row.words[2]))
        except (IndexError, ValueError):  # a node without a place is not drawn
            continue
    pipes = {
        row.words[0]: (*at[row.words[1]], *at[row.words[2]])
        for row in sections.get("PIPES", ())
        if len(row.words) > 2 and row.words[1] in at and row.words[2] in at
    }
    return Plan(pipes=pipes, gauges={g: at[g] for g in gauges if g in at}) if pipes else None


def customer_panels(readings_l_h: FloatArray, start_s: float, since_h: int, found_h: int, flow_l_h: float) -> tuple[Panel, ...]:
    """A customer's meter: its hours about the onset, and the flow that does not stop."""
    first, last = max(0, since_h - 4 * 24), min(readings_l_h.size, found_h + 4 * 24)
    rows = np.arange(first, last)
    floor = np.where(rows >= since_h, flow_l_h, np.nan)
    return (
        Panel(
            title="Use by the hour at the customer's meter", unit="L/h", times_s=start_s + 3600.0 * rows.astype(np.float64),
            lines=(
                Line(label="meter", role=SEEN, values=readings_l_h[first:last]),
                Line(label="flow that does not stop", role=CLAIMED, values=floor),
            ),
        ),
    )  # fmt: skip
