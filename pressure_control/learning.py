"""Learned head losses of a valve's zone: values that survive a restart as JSON.

d_i = p_out − p_i ≈ a_i + r_i · Q^1.85          Hazen-Williams exponent; a_i holds the difference in height
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.errors import ConfigurationError
from domain.points import PointKey
from domain.series import FloatArray

VERSION = 1
EXPONENT = 1.85


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLoss:
    """Loss from the valve's outlet to one watched pressure."""

    point: PointKey
    static_m: float
    """a_i [m]"""
    resistance: float
    """r_i [m / (m³/h)^1.85], at least 0"""
    sd_m: float
    """Robust standard deviation of one step's residual [m]."""
    band_flows_m3h: tuple[float, ...]
    """Upper ends of the flow bands, ascending; the last band is open."""
    band_margins_m: tuple[float, ...]
    """Margin of each band: this quantile of (loss that came − loss forecast) [m], one more than ``band_flows_m3h``."""

    def at(self, flow_m3h: float) -> float:
        """Expected loss at a flow [m]."""
        return float(self.static_m + self.resistance * max(flow_m3h, 0.0) ** EXPONENT)

    def over(self, flow_m3h: FloatArray) -> FloatArray:
        """Expected loss at each flow [m]."""
        return np.asarray(self.static_m + self.resistance * np.maximum(flow_m3h, 0.0) ** EXPONENT, dtype=np.float64)

    def margin(self, flow_m3h: float) -> float:
        """Margin at a flow [m]."""
        band = sum(flow_m3h > edge for edge in self.band_flows_m3h)
        return self.band_margins_m[band]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveModel:
    """Everything learned of a valve's zone."""

    actuator: str
    from_s: float
    """Start of the data learned from, seconds since 1970 UTC."""
    until_s: float
    samples: int
    losses: tuple[HeadLoss, ...]
    profile_m3h: tuple[float, ...]
    """Median flow per five minutes of the local day, 288 values."""

    def loss(self, point: PointKey) -> HeadLoss | None:
        """The loss to a watched point; None where it could not be learned."""
        return next((found for found in self.losses if found.point == point), None)


def to_json(model: ValveModel) -> str:
    """The model as a JSON text."""
    losses = [{name: getattr(loss, name) for name in HeadLoss.__dataclass_fields__} for loss in model.losses]
    plain = {name: getattr(model, name) for name in ValveModel.__dataclass_fields__ if name != "losses"}
    return json.dumps({"version": VERSION, **plain, "losses": losses}, sort_keys=True)


def from_json(text: str) -> ValveModel:
    """The model of a JSON text.

    Raises:
        ConfigurationError: Not such a text, or of another version: learn anew.
    """
    try:
        data: dict[str, Any] = json.loads(text)
        if data.pop("version") != VERSION:
            raise ValueError("another version")
        losses = tuple(_loss(loss) for loss in data.pop("losses"))
        profile = tuple(float(v) for v in data.pop("profile_m3h"))
        return ValveModel(losses=losses, profile_m3h=profile, **data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            file="pressure model",
            key=str(error),
            value=text[:40],
            expected=f"a model of version {VERSION}; delete it to learn anew",
        ) from None


def _loss(data: dict[str, Any]) -> HeadLoss:
    for name in ("band_flows_m3h", "band_margins_m"):
        data[name] = tuple(float(v) for v in data[name])
    return HeadLoss(**data)
