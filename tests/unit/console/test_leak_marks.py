from __future__ import annotations

from dataclasses import replace

from console.feed import Feed
from console.geometry import map_document
from console.leak_marks import LeakMarks
from console.trails import unwalk
from console.wire import document
from domain.findings import RankedPlace
from tests.support.console_field import BURST, past_findings
from tests.support.console_services import console_world, demo_geometry, demo_inventory


def test_a_leak_is_drawn_at_the_middle_of_its_most_probable_pipe_with_its_region() -> None:
    geometry = demo_geometry()
    burst, *others = past_findings(geometry)
    (leak,) = LeakMarks(geometry, demo_inventory()).of([burst, *others])
    assert leak.key == BURST
    drawn = {
        frozenset(pipe) for part in map_document(geometry, demo_inventory())["zones"].values() for pipe in unwalk(part["walks"])
    }
    region = unwalk([list(steps) for steps in leak.walks])
    assert len(region) == len(burst.region.pipes if burst.region else ())
    assert {frozenset(pipe) for pipe in region} <= drawn, "on the grid of the map"
    assert any(abs((a[0] + b[0]) / 2 - leak.x) <= 1 and abs((a[1] + b[1]) / 2 - leak.y) <= 1 for a, b in region)


def test_what_is_over_or_lies_nowhere_on_the_map_has_no_mark() -> None:
    burst = past_findings(demo_geometry())[0]
    nowhere = replace(burst, places=(RankedPlace(pipe="gone", probability=1.0),))
    assert LeakMarks(demo_geometry(), demo_inventory()).of([replace(burst, open=False), nowhere]) == ()


async def test_the_browsers_are_told_of_it() -> None:
    world = await console_world()
    leaks = document(await Feed(world.services).current())["leaks"]
    assert set(leaks) == {BURST}
    assert leaks[BURST]["probability"] == 0.86
