"""The laws in use. A new one is a file and a line here."""

from __future__ import annotations

from pressure_control.laws.fixed import fixed
from pressure_control.laws.flow_modulated import flow_modulated
from pressure_control.laws.law import Law
from pressure_control.laws.learned_critical_point import learned_critical_point

LAWS: dict[str, Law] = {
    "fixed": fixed,
    "flow_modulated": flow_modulated,
    "learned_critical_point": learned_critical_point,
}

DEFAULT_LAW = "learned_critical_point"

STEPWISE = frozenset({"learned_critical_point"})
"""Laws that need a ``ZoneLearner``."""
