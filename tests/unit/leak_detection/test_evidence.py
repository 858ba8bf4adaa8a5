"""Evidence of two looks stands once by name; two looks make surer, never quite sure."""

from dataclasses import replace

import pytest

from domain.findings import Evidence
from leak_detection.evidence import confidence_of_both, joined

_STEP = Evidence(name="flow_step", observed=12.0, expected=7.0, sd=0.5, unit="m3/h")
_NIGHT = replace(_STEP, name="night_flow")


def test_what_both_name_is_the_firsts():
    later = replace(_STEP, observed=14.0)
    assert joined((_STEP,), (_NIGHT, later)) == (_STEP, _NIGHT)
    assert joined((later,), (_STEP, _NIGHT)) == (later, _NIGHT)
    assert joined((), (_STEP,)) == joined((_STEP,), ()) == (_STEP,)


@pytest.mark.parametrize(
    ("first", "then", "both"), [(0.9, 0.8, 0.94), (0.6, 0.0, 0.6), (0.0, 1.0, 0.5), (0.99, 0.99, 0.995), (1.0, 1.0, 0.999)]
)
def test_a_second_look_counts_by_half_and_nothing_is_certain(first, then, both):
    assert confidence_of_both(first, then) == pytest.approx(both)
