"""Room: never none, more for a higher quantile, fewer standard deviations for what is known less well or harms fewer."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pressure_control.twin.risk import room_m

SD = st.floats(0.05, 5.0)
Z = st.floats(2.0, 4.5)
SHARE = st.floats(0.0, 1.0)


@given(z=Z, sd=SD, share=SHARE, held=st.floats(0.0, 1.0))
def test_room_is_bounded_and_more_with_what_is_held(z: float, sd: float, share: float, held: float) -> None:
    plain, more = (float(room_m(z, np.array([sd]), share, h)[0]) for h in (0.0, held))
    assert 1.6 * sd - 1e-9 <= plain <= 4.0 * sd + 1e-9
    assert plain <= more <= plain + held + 1e-9


@given(z=Z, sd=SD, share=SHARE, factor=st.floats(1.0, 3.0))
def test_what_is_known_less_well_gets_more_room_by_fewer_standard_deviations(
    z: float, sd: float, share: float, factor: float
) -> None:
    near, far = room_m(z, np.array([sd, sd * factor]), share, 0.0) / np.array([sd, sd * factor])
    assert far <= near + 1e-9


@given(z=Z, more=st.floats(0.0, 1.0), sd=SD, few=SHARE, many=SHARE)
def test_a_higher_quantile_and_more_customers_never_lower_it(z: float, more: float, sd: float, few: float, many: float) -> None:
    few, many = sorted((few, many))
    assert room_m(z, np.array([sd]), few, 0.1)[0] <= room_m(z + more, np.array([sd]), many, 0.1)[0] + 1e-9
