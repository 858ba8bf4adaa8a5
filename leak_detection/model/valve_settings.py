"""Whether a change of the gauges is the new setting of a pressure valve, and no leak.

An operator turns a valve by decimetres, and all gauges behind it follow; a leak is seen most where it is. Taken for nothing in
particular such a day would come again as a change on every later one, and leave a leak behind it where the copy errs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.series import FloatArray
from leak_detection.model.signatures import SignatureSet

_SIZES_M3H = (4.0, 20.0)
_RIDGE = 1e-9
_ROUND_ABOUT = (-1, 0, 1)
"""A valve is turned within a day: the one before or the one after may hold a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingLimits:
    """What is a new setting."""

    least_glr: float = 200.0
    """A day's likelihood ratio: what is less clear may be anything."""
    least_share: float = 0.9
    """Of the change, over its error, that settings explain,"""
    more_than_leak: float = 0.05
    """and by how much more than a leak at the best place does."""
    least_m: float = 0.2
    """Of the setting that moved most: valves drift by centimetres."""


def new_settings_m(
    change_m: FloatArray, covariance: FloatArray, signatures: SignatureSet, limits: SettingLimits | None = None
) -> FloatArray | None:
    """By how much the setting of each valve has changed [m], shape (V,); None where that does not explain the change.

    Args:
        change_m: Change per gauge, shape (G,).
        covariance: Of its error [m²], shape (G, G).
        signatures: Of the same gauges.
        limits: What is a new setting.
    """
    s, along = limits or SettingLimits(), signatures.wander_m
    if along is None or not along.size:
        return None
    weighed = np.linalg.solve(covariance + _RIDGE * np.eye(len(change_m)), np.column_stack([change_m, along.T])).T
    whole = float(change_m @ weighed[0])
    setting_m = np.linalg.solve(along @ weighed[1:].T + _RIDGE * np.eye(len(along)), weighed[1:] @ change_m)
    share = float(setting_m @ (weighed[1:] @ change_m)) / whole
    if share < s.least_share or np.abs(setting_m).max() < s.least_m:
        return None
    return np.asarray(setting_m) if share >= _share_of_leak(change_m, covariance, signatures) / whole + s.more_than_leak else None


def days_of(start_day: int) -> tuple[int, ...]:
    """Days on which a change that begins with a day is projected out."""
    return tuple(start_day + off for off in _ROUND_ABOUT)


def _share_of_leak(change_m: FloatArray, covariance: FloatArray, signatures: SignatureSet) -> float:
    """Of the squared change over its error: what the best leak, or the end of one, explains."""
    leak_m = np.concatenate([signatures.at(size) for size in _SIZES_M3H])
    weighed = np.linalg.solve(covariance + _RIDGE * np.eye(len(change_m)), leak_m.T).T
    return float(((weighed @ change_m) ** 2 / np.maximum((weighed * leak_m).sum(axis=1), 1e-12)).max())
