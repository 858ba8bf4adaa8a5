"""The balance of one zone over a whole recording, as a table: what the bank says tick by tick, from the past alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from domain.series import FloatArray
from leak_detection.zone_balance import TICK_H, BalanceBank, BalanceRow


def balance_rows(
    inflow_m3h: FloatArray,
    meters_m3h: FloatArray,
    pressure_m: FloatArray | None = None,
    *,
    n1: float = 1.0,
    reference_m: float = 0.0,
) -> list[BalanceRow]:
    """One row a tick; every array by the hour from a local midnight on, shape (H,).

    Args:
        inflow_m3h: Net inflow, NaN where missing.
        meters_m3h: Sum of the customers' meters.
        pressure_m: Mean pressure; None: no correction.
        n1: See ``BalanceBank``.
        reference_m: See ``BalanceBank``.
    """
    bank = BalanceBank(1, n1=n1, reference_m=reference_m)
    rows = []
    for end in range(24, inflow_m3h.size + 1, TICK_H):
        part = slice(end - 24, end)
        pressure = None if pressure_m is None else pressure_m[None, part]
        rows.append(bank.step(end, inflow_m3h[None, part], meters_m3h[None, part], pressure).zone(0))
    return rows


def balance(
    inflow_m3h: FloatArray,
    meters_m3h: FloatArray,
    pressure_m: FloatArray | None = None,
    *,
    n1: float = 1.0,
    reference_m: float = 0.0,
) -> SimpleNamespace:
    """The same, one array a field, shape (ticks,)."""
    rows = balance_rows(inflow_m3h, meters_m3h, pressure_m, n1=n1, reference_m=reference_m)
    return SimpleNamespace(**{name: np.array([getattr(row, name) for row in rows]) for name in BalanceRow.__slots__})
