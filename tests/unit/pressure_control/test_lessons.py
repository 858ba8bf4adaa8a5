"""After a restart the law goes on from what it knew, unless that does not fit the history: then it says why and learns anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from domain.points import PointKey
from domain.readings import Reading
from pressure_control.keeping import learner_from_json, learner_to_json
from pressure_control.learner import ZoneLearner
from pressure_control.service import PressureControl
from tests.support.toy_zone import PER_DAY, ToySource, ToyTown


class PastSource(ToySource):
    """All of a stretch is there, and its newest readings."""

    def __init__(self, town: ToyTown, steps: int) -> None:
        super().__init__(town)
        self.steps = steps

    async def latest(self, points: Sequence[PointKey]) -> dict[PointKey, Reading]:
        at = self.town.time(self.steps - 1) + timedelta(seconds=240)
        values = {p: float(self.town.data[p][self.steps - 1]) for p in points}
        return {p: Reading(point=p, observed_at=at, value=v) for p, v in values.items() if np.isfinite(v)}


async def test_after_a_restart_the_law_goes_on_from_what_it_knew() -> None:
    town = ToyTown(seed=4, days=10)
    town.run(0, 8 * PER_DAY)
    source = PastSource(town, 8 * PER_DAY)
    now = town.time(8 * PER_DAY) + timedelta(seconds=130)
    first = PressureControl(town.inventory(), source, history_days=8)
    advised = await first.tick(now)
    kept = {k: learner_from_json(learner_to_json(v) or "") for k, v in first.learners.items()}
    spans = {k: v.from_s for k, v in kept.items()}
    again = PressureControl(town.inventory(), source, history_days=2, learners=kept)
    resumed = await again.tick(now)
    for key, advice in advised.items():
        assert resumed[key].target_m == pytest.approx(advice.target_m, abs=0.02)
        assert again.learners[key].from_s == spans[key], "learned anew instead of going on"


@pytest.mark.parametrize(
    ("step_s", "until_days", "reason"),
    [(300.0, 7.9, None), (900.0, 7.9, "steps of 900 s"), (300.0, 9.0, "later than the newest"), (300.0, 5.0, "before the history")],
)
async def test_what_cannot_be_gone_on_from_is_refused_with_a_reason(step_s: float, until_days: float, reason: str | None) -> None:
    town = ToyTown(seed=4, days=10)
    town.run(0, 8 * PER_DAY)
    kept = ZoneLearner(step_s)
    kept.from_s, kept.until_s = town.seconds[0], town.seconds[0] + until_days * 86400.0
    kept.flow.samples = 10**6
    control = PressureControl(town.inventory(), PastSource(town, 8 * PER_DAY), history_days=2, learners={"prv_medina": kept})
    await control.tick(town.time(8 * PER_DAY) + timedelta(seconds=130))
    assert (control.learners["prv_medina"] is kept) == (reason is None)
    if reason is None:
        assert not control.dropped
    else:
        assert reason in control.dropped["prv_medina"]
        assert list(control.dropped) == ["prv_medina"]
