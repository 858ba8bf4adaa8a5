"""A finding as JSON, as text for a person, and back: what ``khettara leaks replay`` keeps and ``leaks explain`` prints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from domain.findings import ConfidenceRegion, Evidence, Finding, FindingKind, RankedPlace
from domain.series import FloatArray

WORDS = {
    "zone_balance": "inflow that the customers' meters do not explain, now and before",
    "balance_slope": "inflow per metered flow, now and usually (1 is every customer metered and read right)",
    "meter_coverage": "share of the customers that have a meter",
    "metered_use": "mean inflow beside the mean of the customers' meters",
    "told_again": "flow when last told, beside when first told",
    "flow_step": "net inflow after the onset, beside what the hour and day let expect",
    "night_flow": "least hour between 02:00 and 05:00, beside like nights",
    "head_loss": "head loss from the valve to the critical points, after and before the onset",
    "first_flow": "flow when first told",
    "place_fit": "share of the pressure change that this place explains",
    "gauge": "pressure that the flows do not explain",
    "night_after": "night flow after, beside before",
}
NOTES = {
    "few_meters": "fewer than 60 % of the customers have a meter: the confidence is lowered",
    "pressure_silent": "the zone's pressure gauges are silent: leakage could not be brought to the usual pressure",
    "inflow_gaps": "more than a fifth of the last week's inflow is missing",
    "gauges_silent": "gauges were silent when it was told: the confidence is lowered",
    "over_pressure_night": "over: the pressures came back, and the night flow fell",
    "over_pressure": "over: the pressures came back; too few nights are measured to witness it",
    "over_inflow": "over: the inflow is back to what it was",
}
CAUSES = {
    "leak": "a leak",
    "meter": "the inlet meter stands still: no loss is claimed",
    "slope": "inflow and metered use have moved in proportion, as when a meter begins to read wrong or other meters are read: "
    "no loss is claimed",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FindingSeries:
    """What a page draws beside a finding."""

    name: str
    times_s: FloatArray
    """Seconds since 1970 UTC, shape (T,)."""
    observed_m3h: FloatArray
    expected_m3h: FloatArray | None
    inflow_m3h: FloatArray


def finding_document(finding: Finding, series: FindingSeries | None = None) -> dict[str, Any]:
    """JSON values of a finding."""
    document: dict[str, Any] = asdict(finding)
    document |= {"kind": finding.kind.value, "since": finding.since.isoformat(), "found_at": finding.found_at.isoformat()}
    if series is not None:
        document["series"] = {
            "name": series.name,
            "time": [datetime.fromtimestamp(float(t), UTC).isoformat() for t in series.times_s],
            "observed_m3h": _numbers(series.observed_m3h),
            "expected_m3h": None if series.expected_m3h is None else _numbers(series.expected_m3h),
            "inflow_m3h": _numbers(series.inflow_m3h),
        }
    return document


def read_finding(document: dict[str, Any]) -> tuple[Finding, FindingSeries | None]:
    """A finding back from ``finding_document``."""
    values = {name: document[name] for name in Finding.__slots__ if name in document}
    values |= {
        "kind": FindingKind(values["kind"]),
        "since": datetime.fromisoformat(values["since"]),
        "found_at": datetime.fromisoformat(values["found_at"]),
        "evidence": tuple(Evidence(**e) for e in values["evidence"]),
        "places": tuple(RankedPlace(**p) for p in values.get("places", ())),
        "notes": tuple(values.get("notes", ())),
        "region": _region(values.get("region")),
    }
    kept = document.get("series")
    if kept is None:
        return Finding(**values), None
    return Finding(**values), FindingSeries(
        name=kept["name"],
        times_s=np.array([datetime.fromisoformat(t).timestamp() for t in kept["time"]], dtype=np.float64),
        observed_m3h=_array(kept["observed_m3h"]),
        expected_m3h=None if kept["expected_m3h"] is None else _array(kept["expected_m3h"]),
        inflow_m3h=_array(kept["inflow_m3h"]),
    )


def explain_text(finding: Finding, money: str | None = None) -> str:
    """The finding and its evidence for a person, numbers with their units.

    Args:
        finding: Any.
        money: Unit of its cost, such as MAD; None where no price is configured.
    """
    cause = (
        CAUSES.get(finding.cause)
        or f"water of zone {finding.cause.partition(':')[2]}: a boundary valve is open; no loss is claimed"
    )
    lines = [
        f"{finding.key}   {finding.kind.value}, {'open' if finding.open else 'over'}",
        f"  believed      {cause}",
        f"  zone          {finding.zone}",
        f"  place         {_place(finding)}",
        f"  since         {finding.since:%Y-%m-%d %H:%M} UTC",
        f"  found         {finding.found_at:%Y-%m-%d %H:%M} UTC by {finding.detector}",
        f"  flow          {finding.flow_m3h:.2f} ± {finding.flow_error_m3h:.2f} m³/h ({24 * finding.flow_m3h:.0f} m³ a day)",
        f"  cost a day    {_cost(finding, money)}",
        f"  confidence    {finding.confidence:.0%}",
    ]
    lines += [f"  note          {NOTES.get(note, note)}" for note in finding.notes]
    lines.append("  evidence      observed / expected ± sd")
    for part in finding.evidence:
        away = f", {abs(part.observed - part.expected) / part.sd:.1f} sd away" if part.sd > 0 else ""
        unit = "" if part.unit == "1" else " m³/h" if part.unit == "m3/h" else f" {part.unit}"
        numbers = f"{part.observed:.2f} / {part.expected:.2f} ± {part.sd:.2f}{unit}{away}"
        lines.append(f"    {part.name:<15} {numbers:<44} {WORDS.get(part.name.partition(':')[0], '')}".rstrip())
    return "\n".join(lines)


def _region(value: dict[str, Any] | None) -> ConfidenceRegion | None:
    return None if value is None else ConfidenceRegion(**value | {"pipes": tuple(value["pipes"])})


def _place(finding: Finding) -> str:
    if not finding.places:
        return "somewhere in the zone"
    ranked = ", ".join(f"{p.pipe} ({p.probability:.0%})" for p in finding.places[:5])
    region = finding.region
    if region is None:
        return ranked
    return f"{ranked}; {region.probability:.0%} within {region.radius_m:.0f} m of {region.pipes[0]}, {len(region.pipes)} pipes"


def _cost(finding: Finding, money: str | None) -> str:
    if finding.money_a_day is None:
        return "not known: no price of water is configured ([factors] of site.toml)"
    co2 = "" if finding.co2_kg_a_day is None else f", {finding.co2_kg_a_day:.1f} kg CO₂"
    return f"{finding.money_a_day:.0f} {money or ''}".rstrip() + co2


def _numbers(values: FloatArray) -> list[float | None]:
    return [round(float(v), 3) if np.isfinite(v) else None for v in values]


def _array(values: list[float | None]) -> FloatArray:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
