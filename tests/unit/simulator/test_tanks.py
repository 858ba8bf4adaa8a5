import math

import pytest

from domain.errors import ConfigurationError
from simulator.tanks import LevelSwitch, Tank, read_switches, read_tanks


def test_a_tank_fills_by_its_area_and_stays_inside():
    tank = Tank(key="T", initial_m=3, min_m=0.2, max_m=6, area_m2=100)
    assert tank.after(3.0, 200.0, 1800) == pytest.approx(4.0)
    assert 5.99 < tank.after(5.9, 500.0, 3600) < 6
    assert 0.2 < tank.after(0.3, -500.0, 3600) < 0.21


def test_a_pump_keeps_running_between_its_levels():
    switch = LevelSwitch(pump="P", tank="T", start_below_m=3, stop_above_m=5)
    assert switch.on(False, 2.9)
    assert switch.on(True, 4.0)
    assert not switch.on(False, 4.0)
    assert not switch.on(True, 5.1)


def test_tanks_and_switches_are_read():
    text = "[TANKS]\nT 440 4 0.2 6.5 20 0\n[CONTROLS]\nLINK P OPEN IF NODE T BELOW 3\nLINK P CLOSED IF NODE T ABOVE 5.6\n"
    assert read_tanks(text) == (Tank(key="T", initial_m=4, min_m=0.2, max_m=6.5, area_m2=math.pi * 100),)
    assert read_switches(text) == (LevelSwitch(pump="P", tank="T", start_below_m=3, stop_above_m=5.6),)


@pytest.mark.parametrize(
    "controls",
    [
        "LINK P OPEN AT TIME 6",
        "LINK P OPEN IF NODE T BELOW 3",
        "LINK P OPEN IF NODE T BELOW 6\nLINK P CLOSED IF NODE T ABOVE 5",
        "LINK P OPEN IF NODE T ABOVE 3",
    ],
)
def test_controls_of_another_kind_are_refused(controls: str):
    with pytest.raises(ConfigurationError, match=r"\[CONTROLS\]"):
        read_switches(f"[CONTROLS]\n{controls}\n")
