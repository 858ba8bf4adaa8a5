"""A finding as JSON, as text for a person, and back: what ``khettara leaks replay`` keeps and ``leaks explain`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from app.leaks_drawing import Clock, Panel, confidence_words, panels_document, read_panels
from domain.factors import Factor, LeakFactors
from domain.findings import ConfidenceRegion, Evidence, Finding, FindingKind, RankedPlace

WORDS = {
    "zone_balance": "inflow that the customers' meters do not explain, now and before; sd of one look among many",
    "balance_slope": "inflow per metered flow, now and usually (1: every customer is metered and read right)",
    "meter_coverage": "share of the customers that have a meter, beside all",
    "metered_use": "mean inflow of the 24 hours before, beside the mean of the customers' meters in them",
    "told_again": "flow as told last, beside the telling before it",
    "flow_step": "net inflow after the onset, beside what hour and day let expect",
    "night_flow": "least hour between 02:00 and 05:00, beside like nights",
    "head_loss": "head loss from the valve to the critical points, after and before the onset",
    "first_flow": "flow when first told",
    "place_fit": "share of the pressure change that the place explains (1: all)",
    "gauge": "change of pressure that the metered flows do not explain",
    "night_after": "night flow after, beside before",
    "unseen": "days on which neither pressures nor nights showed it",
    "stuck": "the meter of this point shows one value (0: it stands still)",
}
SINGLE = frozenset({"first_flow", "place_fit", "unseen"})
"""Evidence that has nothing it is held against."""
BESIDE = frozenset({"meter_coverage", "metered_use", "told_again", "night_after", "stuck"})
"""Evidence of two numbers whose distance is no measure of doubt."""
_DAYS_FROM_H = 72
DETECTORS = {
    "zone_balance": "the balance of inflow and customers' meters",
    "flow_step": "a step of the inflow",
    "night_flow": "the night flow",
    "network_model": "the pressures and the model of the network",
}
NOTES = {
    "few_meters": "fewer than 60 % of the customers have a meter: the confidence is lowered",
    "pressure_silent": "the zone's pressure gauges are silent: leakage could not be brought to the usual pressure",
    "inflow_gaps": "more than a fifth of the last week's inflow is missing",
    "gauges_silent": "gauges were silent when it was told: the confidence is lowered",
    "over_pressure_night": "over: the pressures came back, and the night flow fell",
    "over_pressure": "over: the pressures came back; too few nights are measured to witness it",
    "over_inflow": "over: the inflow is back to what it was",
    "over_repair_night": "over: the crew repaired it, and the night flow fell",
    "over_customer": "over: the same water was found behind a customer's meter; it is no loss of the network",
    "over_unseen": "set aside: for four weeks neither pressures nor nights showed it; that does not prove that it is repaired",
    "unseen": "the pressures of the last days do not show it: the confidence is lowered",
    "in_baseline": "older than the days the network layer learned from: only a repair and the night flow can end it",
    "network_doubts": "the network file does not fully agree with the gauges: the place is less sure, the confidence is lowered",
}
CAUSES = {
    "leak": "a leak",
    "meter": "the inlet meter stands still: no loss is claimed",
    "slope": "inflow and metered use have moved in proportion, as when a meter begins to read wrong or other meters are read: "
    "no loss is claimed",
}


def finding_document(finding: Finding, panels: Sequence[Panel] = ()) -> dict[str, Any]:
    """JSON values of a finding."""
    document: dict[str, Any] = asdict(finding)
    document |= {"kind": finding.kind.value, "since": finding.since.isoformat(), "found_at": finding.found_at.isoformat()}
    return document | {"panels": panels_document(tuple(panels))}


def read_finding(document: dict[str, Any]) -> tuple[Finding, tuple[Panel, ...]]:
    """A finding back from ``finding_document``, and what is drawn of it."""
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
    return Finding(**values), read_panels(document.get("panels", []))


def explain_text(finding: Finding, money: str | None = None, clock: Clock | None = None, factors: LeakFactors | None = None) -> str:
    """The finding and its evidence for a person, numbers with their units.

    Args:
        finding: Any.
        money: Unit of its cost, such as MAD; None where no price is configured.
        clock: In whose time moments are said; UTC by default.
        factors: By which its cost was reckoned, to be named with year and source.
    """
    clock = clock or Clock(timezone="UTC")
    leak = finding.cause == "leak"
    cause = (
        CAUSES.get(finding.cause)
        or f"water of zone {finding.cause.partition(':')[2]}: a boundary valve is open; no loss is claimed"
    )
    lines = [
        f"{finding.key}   {finding.kind.value.replace('_', ' ')}, {'open' if finding.open else 'over'}",
        f"  believed      {cause}",
        f"  zone          {finding.zone}",
        *([f"  place         {_place(finding)}"] if leak else []),
        f"  since         {clock.text(finding.since)} ({clock.words})",
        f"  found         {clock.text(finding.found_at)}, {_after(finding)}, by {_detector(finding)}",
        *(_loss(finding, money, factors) if leak else []),
        f"  confidence    {confidence_words(finding.confidence)}",
    ]
    lines += [f"  note          {NOTES.get(note, note)}" for note in finding.notes]
    if finding.evidence:
        lines.append("  evidence      seen / usual ± one standard deviation")
        rows = [(part.name, _evidence(part), WORDS.get(part.name.partition(":")[0], "")) for part in finding.evidence]
        width = max(len(numbers) for _, numbers, _ in rows)
        lines += [f"    {name:<15} {numbers:<{width}}   {words}".rstrip() for name, numbers, words in rows]
    return "\n".join(lines)


def one_line(finding: Finding, clock: Clock) -> str:
    """A finding in a list."""
    loss = f"{finding.flow_m3h:7.2f} m³/h" if finding.cause == "leak" else " " * 12
    state, sure = "open" if finding.open else "over", confidence_words(finding.confidence)
    return f"{finding.key:<34} {finding.kind.value:<12} {state}  {loss}  {sure:>4}  since {clock.text(finding.since)}"


def _loss(finding: Finding, money: str | None, factors: LeakFactors | None) -> list[str]:
    flow, error = finding.flow_m3h, finding.flow_error_m3h
    return [
        f"  flow          {flow:.2f} ± {error:.2f} m³/h, one standard error ({24 * flow:.0f} ± {24 * error:.0f} m³ a day)",
        f"  cost a day    {_cost(finding, money)}",
        *([f"  by            {text}"] if finding.money_a_day is not None and (text := _factors(factors)) else []),
    ]


def _after(finding: Finding) -> str:
    hours = (finding.found_at - finding.since) / timedelta(hours=1)
    if hours < 1:
        return f"{60 * hours:.0f} min after"
    return f"{hours:.0f} h after" if hours < _DAYS_FROM_H else f"{hours / 24:.0f} days after"


def _detector(finding: Finding) -> str:
    words = DETECTORS.get(finding.detector)
    return finding.detector if words is None else f"{words} ({finding.detector})"


def _evidence(part: Evidence) -> str:
    unit = {"1": "", "m3/h": " m³/h"}.get(part.unit, f" {part.unit}")
    digits = 3 if part.unit == "m" else 2
    if part.name in SINGLE:
        spread = f" ± {part.sd:.{digits}f}" if part.sd > 0 else ""
        return f"{part.observed:.{digits}f}{spread}{unit}"
    numbers = f"{part.observed:.{digits}f} / {part.expected:.{digits}f}"
    if part.name in BESIDE:
        return f"{numbers}{unit}"
    if part.sd <= 0:
        return f"{numbers}{unit}"
    return f"{numbers} ± {part.sd:.{digits}f}{unit}, {abs(part.observed - part.expected) / part.sd:.1f} sd away"


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
        return "not known: no price of water is configured ([factors] of site.toml; --site of a replay)"
    co2 = "" if finding.co2_kg_a_day is None else f", {finding.co2_kg_a_day:.1f} kg CO₂"
    return f"{finding.money_a_day:.0f} {money or ''}".rstrip() + co2


def _factors(factors: LeakFactors | None) -> str:
    """The configured factors, each with unit, year and source."""
    used: tuple[Factor | None, ...] = () if factors is None else (factors.water, factors.energy, factors.carbon)
    return "; ".join(f"{f.value:g} {f.unit} ({f.year}, {f.source})" for f in used if f is not None)
