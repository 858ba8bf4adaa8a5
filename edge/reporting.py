"""Report by exception, pure: which values of a poll are worth a row.

A value is, when it is the first, when it has moved out of its deadband, when it came or went, or when the heartbeat is due. A field
without a deadband always is. A counter cannot have one: what it leaves out is somebody's bill.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import ConfigurationError
from domain.quantities import Quantity
from edge.device_settings import ReportSettings
from protocols.modbus.model import DeviceModel

COUNTERS = frozenset({Quantity.ENERGY, Quantity.VOLUME})
"""Quantities that only count up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reported:
    value: float | None
    at_s: float


class Reporter:
    """What of one device has been reported, and what has to be now."""

    def __init__(self, model: DeviceModel, settings: ReportSettings | None, *, device: str = "") -> None:
        """Checks that the deadbands are of fields that may have one.

        Raises:
            ConfigurationError: No such field, or a counter.
        """
        self._absolute = dict(settings.deadband) if settings else {}
        self._percent = dict(settings.deadband_pct) if settings else {}
        self._heartbeat_s = settings.heartbeat_s if settings else 0.0
        self._reported: dict[str, _Reported] = {}
        for name, band in (*self._absolute.items(), *self._percent.items()):
            if model.field(name).quantity in COUNTERS:
                raise ConfigurationError(
                    file="edge.toml",
                    key=f"device[{device}].report.deadband.{name}",
                    value=band,
                    expected="no deadband: every reading of a counter is kept",
                )

    def due(self, name: str, value: float | None, at_s: float) -> bool:
        """Whether this value is to be reported; it then counts as reported. ``at_s`` is the time of the observation [s]."""
        if name not in self._absolute and name not in self._percent:
            return True
        last = self._reported.get(name)
        if last is not None and not self._moved(name, last.value, value) and 0 <= at_s - last.at_s < self._heartbeat_s:
            return False
        self._reported[name] = _Reported(value=value, at_s=at_s)
        return True

    def _moved(self, name: str, before: float | None, now: float | None) -> bool:
        if before is None or now is None:
            return before is not now
        change = abs(now - before)
        absolute, percent = self._absolute.get(name), self._percent.get(name)
        return (absolute is not None and change > absolute) or (percent is not None and change > abs(before) * percent / 100)
