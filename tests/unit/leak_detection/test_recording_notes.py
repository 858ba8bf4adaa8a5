"""Gaps and faults of a recording in a person's words, with the days."""

from datetime import datetime

import numpy as np

from leak_detection.model.gauge_record import GaugeFault
from leak_detection.recording_notes import faults_in_words, gaps_in_words

_START = datetime(2022, 7, 1)


def test_a_month_without_samples_is_told_with_its_first_day_and_scattered_gaps_by_their_share():
    values = np.ones((60 * 24, 4))
    values[10 * 24 : 41 * 24, 0] = np.nan
    values[::5, 1] = np.nan
    values[3 * 24 : 6 * 24, 2] = np.nan
    said = gaps_in_words(values, ("gauge a", "gauge b", "meter c", "meter d"), 24, _START)
    assert said == ("gauge a was not read for 31 days from 2022-07-11", "gauge b lacks 20% of its samples")


def test_faults_are_told_with_what_when_and_why_and_dead_gauges_are_left_to_the_gaps():
    clock = GaugeFault(gauge=1, kind="clock", since_day=4, found_day=5, size=12.0, unit="samples", words="12 samples late")
    dead = GaugeFault(gauge=0, kind="dead", since_day=4, found_day=5, size=0.0, unit="share", words="no samples", until_day=9)
    assert faults_in_words((clock, dead), ("a", "b"), _START) == (
        "gauge b at fault (clock) from 2022-07-05 on, known on 2022-07-06: 12 samples late",
    )


def test_of_many_spells_the_first_are_told_and_how_many_more_there_were():
    spells = [
        GaugeFault(gauge=0, kind="noise", since_day=k, found_day=k, size=0.3, unit="m", words="noise", until_day=k + 1)
        for k in range(0, 40, 4)
    ]
    said = faults_in_words(spells, ("a",), _START)
    assert len(said) == 4
    assert said[-1].startswith("gauge a at fault (noise) 7 times more, the last from ")
