from __future__ import annotations

from collections import Counter

import pytest

from domain.inventory import build_inventory
from simulator.region import make_region


def test_a_region_has_exactly_so_many_zones_and_pipes() -> None:
    region = make_region(zones=40, pipes=1200, valves=24, seed=3)
    inventory = build_inventory(region.documents)
    assert len(inventory.metered_zones()) == 40
    assert len(region.links) == len({name for name, *_ in region.links}) == 1200
    assert len(inventory.actuators) == 24
    assert all(start in region.nodes and end in region.nodes for _, start, end, _ in region.links)
    sizes = Counter(zone for *_, zone in region.links)
    assert sizes.pop("") == 39
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_every_corner_has_water() -> None:
    region = make_region(zones=9, pipes=270, valves=0, seed=5)
    reached, joined = {"z000.in"}, True
    neighbours = [(start, end) for _, start, end, _ in region.links]
    neighbours += [(f"z{n:03d}.in", f"z{n:03d}.32") for n in range(9)]
    while joined:
        more = {b for a, b in neighbours if a in reached} | {a for a, b in neighbours if b in reached}
        joined = not more <= reached
        reached |= more
    assert reached == set(region.nodes)


def test_the_same_seed_gives_the_same_region_and_another_another() -> None:
    one, same, other = (make_region(zones=12, pipes=360, seed=seed) for seed in (1, 1, 2))
    assert (one.nodes, one.links, one.documents) == (same.nodes, same.links, same.documents)
    assert one.nodes != other.nodes


@pytest.mark.parametrize("pipes", [100, 100_000])
def test_pipes_that_do_not_fit_are_refused(pipes: int) -> None:
    with pytest.raises(ValueError, match="too few or too many"):
        make_region(zones=10, pipes=pipes)
