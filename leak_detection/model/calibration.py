"""A network file made to agree with the gauges: what is unknown in it is drawn many times, and moved towards what was measured.

Ensemble smoother (van Leeuwen and Evensen 1996, Monthly Weather Review 124, 2898): the covariance of the unknowns with the
predicted measurements, taken from the draws, says how far each draw goes. Nothing is differentiated, and the scatter that is left
over says how well the unknowns are known.
"""

from __future__ import annotations

import numpy as np

from domain.series import FloatArray


def smooth(
    unknowns: FloatArray, predicted: FloatArray, measured: FloatArray, rng: np.random.Generator, *, error: float = 1.0
) -> FloatArray:
    """Draws after the measurements.

    Args:
        unknowns: Draws of everything unknown, shape (M, K).
        predicted: What each draw predicts, over the error of that measurement (its standard deviation is 1), shape (M, N).
        measured: The same as measured, shape (N,).
        rng: For the error that each draw sees.
        error: Of a measurement; taken for √n times its size the measurements may be used n times, each time from new predictions.

    Returns:
        Shape (M, K).
    """
    members = len(unknowns)
    spread = predicted - predicted.mean(axis=0)
    gain = np.linalg.inv(spread @ spread.T + (members - 1) * error**2 * np.eye(members))
    seen = measured + error * rng.normal(size=predicted.shape)
    return np.asarray(unknowns + (seen - predicted) @ spread.T @ gain @ (unknowns - unknowns.mean(axis=0)))
