"""The flow of the next steps: a learned daily curve of log flow, and a recursive regression of the deviation on its own past.

x_k = ln(Q_k + δ) − curve(slot of k)          x_{k+1} ≈ w · (1, x_k, x_{k−1}, x_{k−2}, x_{k−3}, x_{k−6}, x_{k−12})
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domain.series import FloatArray

LAGS = (0, 1, 2, 3, 6, 12)
_REACH = max(LAGS) + 1
_FIRST = 24
"""Steps that set the scale of a zone's flow before anything is learned."""
_FORGETTING = 0.998
_WIDEST = 1e3
_SLOWEST_SHARE = 0.12
_WILD_SD = 5.0
_DAY_S = 86400.0
_LEAST_RISE = 0.15
"""Of ln Q: a flatter day has no morning rise."""


class FlowForecaster:
    """Learns one zone's inflow, step by step.

    Args:
        step_s: Length of a step [s]; a whole number of them makes a day.
    """

    def __init__(self, step_s: float) -> None:
        self._slots = max(1, round(_DAY_S / step_s))
        self._slot_minutes = step_s / 60.0
        self._curve = np.zeros(self._slots)
        self._seen = np.zeros(self._slots)
        self._weights = np.zeros(len(LAGS) + 1)
        self._weights[1] = 0.9
        self._spread = np.eye(len(LAGS) + 1) * 10.0
        self._past: list[float] = []
        self._first: list[float] = []
        self._mean = 0.0
        self.scale_m3h = 0.0
        """Mean of the first steps; 0 while they are not complete."""
        self.variance = 0.01
        """Of the one-step error of ln Q."""
        self.samples = 0

    @property
    def ready(self) -> bool:
        """Whether a whole day has been seen."""
        return self.samples >= self._slots and bool(self._seen.min() > 0)

    def rise_minute(self) -> float | None:
        """Local minute of the day at which the usual flow begins to rise from its lowest to its next high; None before a whole day.

        The beginning is where a quarter of the rise (of the logarithm) is done, within the ten hours after the lowest flow.
        """
        if not self.ready:
            return None
        width = max(1, self._slots // 48)
        wide = np.concatenate((self._curve[-width:], self._curve, self._curve[:width]))
        smooth = np.convolve(wide, np.ones(2 * width + 1), "valid") / (2 * width + 1)
        lowest = int(np.argmin(smooth))
        curve = np.roll(smooth, -lowest)[: self._slots * 10 // 24]
        low, high = float(curve[0]), float(curve.max())
        if high - low < _LEAST_RISE:
            return None
        begins = int(np.argmax(curve > low + 0.25 * (high - low)))
        return (lowest + begins) % self._slots * self._slot_minutes

    def state(self) -> dict[str, Any]:
        """All that was learned, as plain values."""
        return {
            "curve": self._curve.tolist(),
            "seen": self._seen.tolist(),
            "weights": self._weights.tolist(),
            "spread": self._spread.tolist(),
            "past": list(self._past),
            "first": list(self._first),
            "mean": self._mean,
            "scale_m3h": self.scale_m3h,
            "variance": self.variance,
            "samples": self.samples,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what ``state`` gave.

        Raises:
            KeyError, TypeError, ValueError: Not such a state, or of another step.
        """
        self._curve = vector(state["curve"], (self._slots,))
        self._seen = vector(state["seen"], (self._slots,))
        self._weights = vector(state["weights"], (len(LAGS) + 1,))
        self._spread = vector(state["spread"], (len(LAGS) + 1, len(LAGS) + 1))
        self._past = [float(v) for v in state["past"]]
        self._first = [float(v) for v in state["first"]]
        self._mean, self.scale_m3h = float(state["mean"]), float(state["scale_m3h"])
        self.variance, self.samples = float(state["variance"]), int(state["samples"])

    def slots(self, minute: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """Slot of the day of each local minute."""
        return (minute / self._slot_minutes).astype(np.int64) % self._slots

    def deviations(self, flow_m3h: FloatArray, minute: FloatArray) -> FloatArray:
        """x of each step, a missing one taken from the step before; shape (T,)."""
        x = self._log(flow_m3h) - self._smooth(self.slots(minute))
        known = np.isfinite(x)
        last = np.maximum.accumulate(np.where(known, np.arange(x.size), -1))
        return np.asarray(np.where(last >= 0, x[np.maximum(last, 0)], 0.0), dtype=np.float64)

    def expected(self, deviations: FloatArray) -> FloatArray:
        """One-step forecast of each x from those before it, shape (T,); the first ``max(LAGS) + 1`` are the values themselves."""
        size = deviations.size
        found = deviations.copy()
        if size > _REACH:
            columns = [deviations[_REACH - 1 - lag : size - 1 - lag] for lag in LAGS]
            found[_REACH:] = self._weights[0] + np.stack(columns, axis=1) @ self._weights[1:]
        return found

    def ahead(self, flow_m3h: FloatArray, minute: FloatArray, steps: int) -> FloatArray:
        """Flow expected in each of the next ``steps`` steps [m³/h]; needs ``max(LAGS) + 1`` steps of past."""
        past = self.deviations(flow_m3h, minute)[-_REACH:].tolist()
        first = int(self.slots(minute[-1:])[0]) + 1
        curve = self._smooth(np.arange(first, first + steps) % self._slots)
        for _ in range(steps):
            past.append(float(self._weights[0] + sum(w * past[-1 - lag] for w, lag in zip(self._weights[1:], LAGS, strict=True))))
        return self.flow(np.array(past[-steps:]) + curve)

    def flow(self, log_flow: FloatArray) -> FloatArray:
        """Flow of a log flow [m³/h]."""
        return np.asarray(np.exp(np.minimum(log_flow, 30.0)) - self._offset, dtype=np.float64)

    def learn(self, flow_m3h: float, minute: float) -> float:
        """Takes one step; returns the flow that had been forecast for it [m³/h], NaN before the scale is known."""
        if self.scale_m3h <= 0:
            if math.isfinite(flow_m3h):
                self._first.append(max(flow_m3h, 0.0))
            if len(self._first) >= _FIRST:
                self.scale_m3h = max(float(np.mean(self._first)), 0.05)
                self._mean = float(np.mean(self._log(np.array(self._first))))
            return math.nan
        slot = int(minute / self._slot_minutes) % self._slots
        before = self._around(slot)
        if len(self._past) < _REACH:
            predicted, inputs = (self._past[-1] if self._past else 0.0), None
        else:
            inputs = np.array([1.0, *(self._past[-1 - lag] for lag in LAGS)])
            predicted = float(self._weights @ inputs)
        forecast = float(self.flow(np.array(predicted + before)))
        if not math.isfinite(flow_m3h):
            self._past.append(predicted)
        else:
            self._take(float(self._log(np.array(flow_m3h))), slot, before, predicted, inputs)
        del self._past[:-_REACH]
        return forecast

    @property
    def _offset(self) -> float:
        """Keeps the logarithm of nearly no flow quiet."""
        return 0.05 * self.scale_m3h

    def _log(self, flow_m3h: FloatArray) -> FloatArray:
        return np.asarray(np.log(np.maximum(flow_m3h, 0.0) + self._offset), dtype=np.float64)

    def _take(self, log_flow: float, slot: int, before: float, predicted: float, inputs: FloatArray | None) -> None:
        x = log_flow - before
        error = x - predicted
        self._past.append(x)
        self.samples += 1
        # A jump that nothing announced is no lesson.
        wild = self.samples > 2 * self._slots // 3 and abs(error) > _WILD_SD * math.sqrt(self.variance)
        self.variance += max(0.005, 1.0 / (self.samples + 10)) * (min(error * error, 16.0 * self.variance) - self.variance)
        if inputs is not None and not wild:
            gain = self._spread @ inputs / (_FORGETTING + float(inputs @ self._spread @ inputs))
            self._weights += gain * error
            self._spread -= np.outer(gain, inputs @ self._spread)
            if float(self._spread.trace()) < _WIDEST:
                self._spread /= _FORGETTING
        self._mean += 0.01 * (log_flow - self._mean)
        if self._seen[slot] == 0:
            self._curve[slot] = log_flow
        else:
            share = max(1.0 / (self._seen[slot] + 1.0), _SLOWEST_SHARE)
            self._curve[slot] += share * min(max(log_flow - self._curve[slot], -0.5), 0.5)
        self._seen[slot] += 1

    def _around(self, slot: int) -> float:
        n = self._slots
        near = (slot - 1) % n, slot, (slot + 1) % n
        known = [float(self._curve[s]) for s in near if self._seen[s] > 0]
        return sum(known) / len(known) if known and self._seen[slot] > 0 else self._mean

    def _smooth(self, slots: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> FloatArray:
        return np.array([self._around(int(s)) for s in slots], dtype=np.float64)


def vector(values: Sequence[Any], shape: tuple[int, ...]) -> FloatArray:
    """Stored numbers as an array.

    Raises:
        ValueError: Another shape, or a number that is not finite.
    """
    found = np.array(values, dtype=np.float64)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError(f"{found.shape} instead of {shape}, or not finite")
    return found
