from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.feed import Feed
from console.snapshot import Snapshot
from console.wire import GROUPS, change, document, line
from tests.support.console_services import console_world


def merged(held: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What a browser makes of a change: static/js/held.js in Python."""
    new = held | {k: v for k, v in part.items() if k not in (*GROUPS, "after")}
    for group in GROUPS:
        new[group] = dict(held[group])
        for key, item in part.get(group, {}).items():
            new[group][key] = {**held[group].get(key, {}), **item}
    return new


async def snapshots() -> list[Snapshot]:
    world = await console_world()
    found = []
    for extra_m3h, lag_s in ((0.0, 80.0), (0.0, 80.0), (25.0, 80.0), (25.0, 4000.0)):
        world.town.extra_m3h, world.town.lag_s = extra_m3h, lag_s
        found.append(await Feed(world.services).current())
    return [replace(s, number=n) for n, s in enumerate(found, 1)]


async def test_a_change_makes_of_the_old_the_new() -> None:
    held, *later = [json.loads(line(document(s))) for s in await snapshots()]
    for new in later:
        part = change(held, new)
        assert part is not None
        held = merged(held, json.loads(line(part)))
        assert held == new


async def test_what_stands_still_costs_nothing() -> None:
    first, same, moved, _ = [document(s) for s in await snapshots()]
    assert change(first, same) == {"number": 2, "after": 1}
    part = change(same, moved)
    assert part is not None
    assert set(part["zones"]) == {"medina"}
    assert set(part["zones"]["medina"]) == {"inflow_m3h"}


async def test_time_that_passes_alone_says_the_time_alone() -> None:
    first = (await snapshots())[0]
    later = replace(first, number=2, now=first.now + timedelta(seconds=1), data_age_s=81.0)
    part = change(document(first), document(later))
    assert part == {"number": 2, "after": 1, "now": int(later.now.timestamp())}


async def test_what_is_gone_takes_the_whole() -> None:
    first = (await snapshots())[0]
    assert change(document(first), document(replace(first, number=2, zones=first.zones[1:]))) is None


keys = st.sampled_from(["a", "b", "c"])
items = st.dictionaries(keys, st.dictionaries(st.sampled_from(["x", "y"]), st.none() | st.integers(0, 3), min_size=2))
documents = st.fixed_dictionaries({"number": st.integers(), "now": st.integers(), **dict.fromkeys(GROUPS, items)})


@given(documents, documents)
def test_whatever_changes_the_browser_ends_with_the_new(before: dict[str, Any], after: dict[str, Any]) -> None:
    part = change(before, after)
    if part is None:
        assert any(before[g].keys() - after[g].keys() for g in GROUPS)
    else:
        assert merged(before, part) == after


async def test_streams_that_hold_the_same_share_the_work() -> None:
    world = await console_world()
    feed = Feed(world.services)
    first, second = [replace(await feed.current(), number=n) for n in (1, 2)]
    held, whole = feed.event(None, first)
    assert whole.startswith("id: 1\nevent: snapshot\ndata: {")
    _, one = feed.event(held, second)
    _, other = feed.event(held, second)
    assert one is other
    assert one.startswith("id: 2\nevent: change\ndata: {")
