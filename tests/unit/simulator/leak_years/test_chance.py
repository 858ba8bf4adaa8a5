"""Every concern has its own chance: what one draws changes no other, and levels outlive new attempts."""

from __future__ import annotations

from simulator.leak_years.chance import LEVELS, Chance


def test_a_concern_draws_the_same_whatever_others_drew():
    one, other = Chance(seed=3), Chance(seed=3)
    other.rng("weather").normal(size=50)
    assert one.rng("roughness").normal() == other.rng("roughness").normal()
    assert one.rng("roughness").normal() != one.rng("diameters").normal()
    assert one.rng("roughness").normal() != Chance(seed=4).rng("roughness").normal()


def test_a_new_attempt_draws_its_own_group_anew_and_no_level():
    first, second = Chance(seed=3, attempts={"network": 0}), Chance(seed=3, attempts={"network": 1})
    assert first.rng("roughness", "network").normal() != second.rng("roughness", "network").normal()
    assert first.rng("weather").normal() == second.rng("weather").normal()
    names = [f"concern {k}" for k in range(30)]
    assert [first.level(n) for n in names] == [second.level(n) for n in names]


def test_levels_are_drawn_or_forced_and_noted():
    chance = Chance(seed=1)
    assert {chance.level(f"concern {k}") for k in range(40)} == {0, 1, 2}
    assert set(chance.drawn.values()) == set(LEVELS)
    assert Chance(seed=1, forced="strong").pick("x", 1.0, 2.0) == 2.0
    assert Chance(seed=1, forced="absent").pick("x", 1.0, 2.0) == 0.0
