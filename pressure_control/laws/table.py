"""The laws in use. A new one is a file and a line here."""

from __future__ import annotations

from pressure_control.laws.fixed import fixed
from pressure_control.laws.flow_modulated import flow_modulated
from pressure_control.laws.law import Law
from pressure_control.laws.learned_critical_point import learned_critical_point
from pressure_control.laws.model_twin import model_twin
from pressure_control.laws.time_of_day import time_of_day

LAWS: dict[str, Law] = {
    "fixed": fixed,
    "flow_modulated": flow_modulated,
    "learned_critical_point": learned_critical_point,
    "model_twin": model_twin,
    "time_of_day": time_of_day,
}

DEFAULT_LAW = "learned_critical_point"
TWIN_LAW = "model_twin"
"""Of a site that brings a network file."""

STEPWISE = frozenset({"learned_critical_point", "model_twin"})
"""Laws that need a ``ZoneLearner``."""
