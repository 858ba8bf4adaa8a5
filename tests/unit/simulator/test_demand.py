from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from domain.calendar import Calendar
from domain.errors import ConfigurationError
from simulator.demand import HOMES, USERS, DemandModel, habit

CALENDAR = Calendar(ramadan=((date(2026, 2, 18), date(2026, 3, 19)),), holidays=frozenset({date(2026, 11, 18)}))
GROUPS = ("homes.medina-1", "homes.medina-2", "homes.oued-1", "steady.hopital")


def _local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CALENDAR.zone).astimezone(UTC)


def test_profiles_have_a_mean_of_about_one():
    for profile in HOMES.values():
        assert len(profile) == 24
        assert sum(profile) / 24 == pytest.approx(1.03, abs=0.06)
    for profile, _ in USERS.values():
        assert len(profile) == 24
        assert sum(profile) / 24 == pytest.approx(1.0, abs=0.12)


def test_people_sleep_at_three_and_draw_at_eight():
    day = date(2026, 11, 17)
    assert habit("homes", _local(day, 3), CALENDAR) == pytest.approx(0.23)
    assert habit("homes", _local(day, 8), CALENDAR) == pytest.approx(1.72)
    assert habit("homes", _local(day, 7, 30), CALENDAR) == pytest.approx((1.60 + 1.72) / 2)


def test_in_ramadan_the_night_is_awake_and_the_morning_asleep():
    fasting, ordinary = date(2026, 3, 3), date(2026, 4, 7)
    assert habit("homes", _local(fasting, 3), CALENDAR) > 3 * habit("homes", _local(ordinary, 3), CALENDAR)
    assert habit("homes", _local(fasting, 8), CALENDAR) < 0.5 * habit("homes", _local(ordinary, 8), CALENDAR)


def test_the_profile_follows_local_time_through_the_change_of_offset():
    # The clock goes back an hour before Ramadan: eight in the morning is an hour later in universal time.
    ordinary, fasting = _local(date(2026, 2, 13), 8), _local(date(2026, 2, 20), 8)
    assert (fasting - ordinary) == timedelta(days=7, hours=1)


def test_demand_does_not_jump_at_midnight_nor_when_ramadan_begins():
    for midnight in (_local(date(2026, 2, 18), 0), _local(date(2026, 11, 20), 0)):
        before, after = (habit("homes", midnight + timedelta(seconds=s), CALENDAR) for s in (-10, 10))
        assert before == pytest.approx(after, abs=0.01)


def test_multipliers_depend_on_seed_and_time_alone():
    moment = _local(date(2026, 11, 17), 12)
    first, second = (DemandModel(seed=4, calendar=CALENDAR, groups=GROUPS) for _ in range(2))
    for minutes in (500, 3, 77):
        second.multipliers(moment + timedelta(minutes=minutes))
    assert np.array_equal(first.multipliers(moment), second.multipliers(moment))
    assert not np.array_equal(first.multipliers(moment), DemandModel(seed=5, calendar=CALENDAR, groups=GROUPS).multipliers(moment))


def test_chance_keeps_to_its_size_and_the_mean():
    model = DemandModel(seed=1, calendar=CALENDAR, groups=[f"homes.z{i}-1" for i in range(300)])
    noon = model.multipliers(_local(date(2026, 11, 17), 12)) / 1.55
    night = model.multipliers(_local(date(2026, 11, 17), 3)) / 0.23
    assert noon.mean() == pytest.approx(1.0, abs=0.1)
    assert 0.06 < np.log(noon).std() < 0.13
    assert np.log(night).std() > 1.4 * np.log(noon).std()


def test_groups_of_one_zone_wander_together():
    model = DemandModel(seed=1, calendar=CALENDAR, groups=GROUPS)
    hours = [_local(date(2026, 11, 2), 12) + timedelta(days=d) for d in range(200)]
    table = np.log([model.multipliers(t) for t in hours])
    assert np.corrcoef(table[:, 0], table[:, 1])[0, 1] > np.corrcoef(table[:, 0], table[:, 2])[0, 1]


def test_an_unknown_profile_is_named():
    with pytest.raises(ConfigurationError, match=r"nights\.mill.*steady"):
        DemandModel(seed=1, calendar=CALENDAR, groups=("nights.mill",))
