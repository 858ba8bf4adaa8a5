"""The laws in use. A new one is a file and a line here."""

from __future__ import annotations

from pressure_control.laws.fixed import fixed
from pressure_control.laws.flow_modulated import flow_modulated
from pressure_control.laws.law import Law

LAWS: dict[str, Law] = {
    "fixed": fixed,
    "flow_modulated": flow_modulated,
}
