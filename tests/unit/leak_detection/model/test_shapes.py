"""A basis spans all that its columns span; what came for a day and went again is taken out, what stays is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leak_detection.model.shapes import orthonormal, shape, without_spikes

DAYS = 80


@given(starts=st.lists(st.integers(2, DAYS - 2), min_size=1, max_size=12), twice=st.integers(0, 11))
def test_a_basis_spans_its_columns_though_some_are_there_twice(starts, twice):
    columns = [shape(DAYS, start, 0) for start in starts]
    columns.insert(min(twice, len(columns)), columns[0].copy())
    basis = orthonormal(columns)
    assert basis.shape[1] == len(set(starts))
    assert np.allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-9)
    for column in columns:
        assert np.allclose(basis @ (basis.T @ column), column, atol=1e-6)


def test_growth_is_the_same_however_many_days_are_seen_of_it_and_nobody_changes_it():
    long = shape(2100, 5, 40)
    assert np.array_equal(shape(30, 5, 40), long[:30])
    assert long[[5, 25, 45, -1]] == pytest.approx([0.0, 0.5**1.5, 1.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        shape(30, 5, 40)[0] = 1.0


def _level(rng):
    return rng.normal(11.5, 0.2, (DAYS, 1))


def test_a_day_that_is_off_and_one_after_that_is_back_leave_no_step():
    values = _level(np.random.default_rng(1))
    values[40] -= 8.0
    values[50:52] += 7.0
    clean = without_spikes(values)
    assert np.flatnonzero(np.isnan(clean[:, 0])).tolist() == [40, 50, 51]
    assert np.isnan(without_spikes(values[:42])[40, 0]), "one day after it is enough"


def test_the_last_day_and_what_stays_are_left_alone():
    values = _level(np.random.default_rng(2))
    values[40:] += 6.0
    assert np.isfinite(without_spikes(values)).all()
    assert np.isfinite(without_spikes(values[:41])).all()
    half = values.copy()
    half[40] -= 3.0
    assert np.isfinite(without_spikes(half)).all(), "the day on which a leak begins is half old, half new"


def test_a_few_days_and_gaps_are_no_error():
    values = _level(np.random.default_rng(3))
    assert np.array_equal(without_spikes(values[:5]), values[:5])
    values[10:30] = np.nan
    clean = without_spikes(values)
    assert np.array_equal(np.isnan(clean), np.isnan(values))
    assert without_spikes(np.empty((60, 0))).shape == (60, 0)
