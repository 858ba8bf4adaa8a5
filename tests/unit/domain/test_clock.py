"""A clock that runs fast never runs into the future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import ScaledClock, next_tick


def clock_at(wall: float, *, behind: float = 7200.0, speed: float = 60.0) -> ScaledClock:
    return ScaledClock(wall=lambda: wall, wall_origin=1000.0, sim_origin=1000.0 - behind, speed=speed)


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(1, 3600))
def test_simulated_time_is_never_ahead_of_the_wall(elapsed: float, behind: float, speed: float) -> None:
    assert clock_at(1000.0 + elapsed, behind=behind, speed=speed).timestamp() <= 1000.0 + elapsed


def test_an_hour_passes_in_a_minute_until_it_has_caught_up() -> None:
    assert clock_at(1060.0).timestamp() == 1000.0 - 7200.0 + 3600.0
    assert clock_at(5000.0).timestamp() == 5000.0


@given(st.floats(0, 4000), st.floats(0.1, 20000))
def test_waiting_ends_when_the_clock_shows_the_time(elapsed: float, ahead: float) -> None:
    now = clock_at(1000.0 + elapsed)
    until = datetime.fromtimestamp(now.timestamp() + ahead, UTC)
    then = clock_at(1000.0 + elapsed + now.wall_delay(until))
    assert abs(then.timestamp() - until.timestamp()) < 0.01


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.integers(1, 86400))
def test_ticks_stand_on_multiples_and_lie_ahead(moment: datetime, period_s: int) -> None:
    now = moment.replace(tzinfo=UTC)
    tick = next_tick(now, timedelta(seconds=period_s))
    assert tick > now
    assert tick.timestamp() % period_s == 0
    assert tick - now <= timedelta(seconds=period_s)
