"""Units of a network file in ours, and its demands by pattern and hour of the day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.errors import ConfigurationError
from domain.series import FloatArray
from simulator.inp import Row

Sections = dict[str, tuple[Row, ...]]
"""Rows of an EPANET file by section."""

_FLOW_M3H = {
    "CFS": 101.94065, "GPM": 0.22712471, "MGD": 157.72549, "IMGD": 189.42048, "AFD": 51.395083,
    "LPS": 3.6, "LPM": 0.06, "MLD": 1000.0 / 24.0, "CMH": 1.0, "CMD": 1.0 / 24.0, "CMS": 3600.0,
}  # fmt: skip
"""EPANET's units of flow, in m³/h."""
AMERICAN = frozenset(("CFS", "GPM", "MGD", "IMGD", "AFD"))
"""With them come feet, psi and thousandths of a foot."""
FOOT_M, _PSI_OF_M, _KPA_OF_PSI = 0.3048, 0.4333 / 0.3048, 6.895
"""As EPANET has them."""
_EXPONENTS = {"H-W": 1.852, "D-W": 2.0, "C-M": 2.0}
"""Of the head loss on the flow: Hazen and Williams, Darcy and Weisbach, Chezy and Manning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Factors from the file's units to m³/h, m and mm of roughness; its unit of pressure of a metre of water."""

    demand: float
    length: float
    roughness: float
    pressure_per_m: float
    exponent: float


def read_units(network: Path, sections: Sections) -> Units:
    """What the file's options say.

    Raises:
        ConfigurationError: A unit or formula that EPANET does not know.
    """
    options = {r.words[0].upper(): r.words[-1].upper() for r in sections.get("OPTIONS", ()) if len(r.words) == 2}
    unit, formula = options.get("UNITS", "GPM"), options.get("HEADLOSS", "H-W")
    if unit not in _FLOW_M3H:
        raise ConfigurationError(file=network.name, key="[OPTIONS] UNITS", value=unit, expected=", ".join(_FLOW_M3H))
    if formula not in _EXPONENTS:
        raise ConfigurationError(file=network.name, key="[OPTIONS] HEADLOSS", value=formula, expected=", ".join(_EXPONENTS))
    multiplier = next(
        (float(r.words[-1]) for r in sections.get("OPTIONS", ()) if [w.upper() for w in r.words[:2]] == ["DEMAND", "MULTIPLIER"]),
        1.0,
    )
    american, kpa = unit in AMERICAN, options.get("PRESSURE") == "KPA"
    foot, per_m = (FOOT_M, _PSI_OF_M) if american else (1.0, _PSI_OF_M * _KPA_OF_PSI if kpa else 1.0)
    return Units(
        demand=_FLOW_M3H[unit] * multiplier,
        length=foot,
        # Thousandths of a foot or millimetres; the other formulas' numbers have no unit.
        roughness=foot if formula == "D-W" else 1.0,
        pressure_per_m=per_m,
        exponent=_EXPONENTS[formula],
    )


def read_demands(network: Path, sections: Sections, node: dict[str, int]) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Names of the patterns; factors of those in use by hour of the day, shape (patterns, 24); base demands by pattern and node.

    Args:
        network: The file.
        sections: Of it.
        node: Position of each node.

    Raises:
        ConfigurationError: A time of the file cannot be read.
    """
    default = next((r.words[-1] for r in sections.get("OPTIONS", ()) if r.words[0].upper() == "PATTERN"), "1")
    own = {r.words[0] for r in sections.get("DEMANDS", ())}
    rows = [(r.words[0], float(r.words[1]), r.words[2] if len(r.words) > 2 else default) for r in sections.get("DEMANDS", ())]
    rows += [
        (r.words[0], float(r.words[2]), r.words[3] if len(r.words) > 3 else default)
        for r in sections["JUNCTIONS"]
        if r.words[0] not in own and len(r.words) > 2
    ]
    values: dict[str, list[float]] = {}
    for r in sections.get("PATTERNS", ()):
        values.setdefault(r.words[0], []).extend(float(w) for w in r.words[1:])
    names = sorted({pattern for _, _, pattern in rows})
    step_h = _time_h(network, sections, "PATTERN", "TIMESTEP", 1.0)
    first_h = _time_h(network, sections, "START", "CLOCKTIME", 0.0) - _time_h(network, sections, "PATTERN", "START", 0.0)
    factors = np.ones((len(names), 24))
    demand = np.zeros((len(names), len(node)))
    for k, name in enumerate(names):
        if series := values.get(name):
            hours = ((np.arange(len(series)) * step_h + first_h) % 24).astype(int)
            mean = float(np.mean(series))
            factors[k] = [float(np.mean(np.array(series)[hours == h])) if (hours == h).any() else mean for h in range(24)]
    for name_, base, pattern in rows:
        demand[names.index(pattern), node[name_]] += base
    return tuple(values), factors, demand


def _time_h(network: Path, sections: Sections, first: str, second: str, default: float) -> float:
    """A time of the file [h]: ``1:30``, ``90 MIN``, ``1.5``, ``6 PM``; ``default`` where it says none."""
    for row in sections.get("TIMES", ()):
        if [w.upper() for w in row.words[:2]] != [first, second] or len(row.words) < 3:
            continue
        parts = row.words[2].split(":")
        try:
            hours = sum(float(part) / 60.0**k for k, part in enumerate(parts))
        except ValueError:
            raise ConfigurationError(
                file=network.name, key=f"[TIMES] line {row.line}", value=row.words[2], expected="a time such as 1:00"
            ) from None
        unit = row.words[3].upper() if len(row.words) > 3 else ""
        if unit in ("AM", "PM"):
            return hours % 12 + (12 if unit == "PM" else 0)
        return hours * next((of for name, of in (("SEC", 1 / 3600), ("MIN", 1 / 60), ("DAY", 24.0)) if unit.startswith(name)), 1.0)
    return default
