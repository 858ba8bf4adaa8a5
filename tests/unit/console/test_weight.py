"""What the first page of a whole region weighs on the wire: the promise of 250 kB, and where it goes."""

from __future__ import annotations

import gzip
from pathlib import Path

from console.geometry import map_document
from console.packed import Packed
from console.ports import MapGeometry
from domain.inventory import build_inventory
from simulator.region import make_region
from tests.support.console_client import logged_in
from tests.support.console_services import console_world

STATIC = Path(__file__).parents[3] / "console" / "static"
PROMISED = 250_000
ROWS = 14


async def test_map_page_scripts_and_styles_of_500_zones_stay_below_the_promise() -> None:
    region = make_region()
    drawing = Packed.of(map_document(MapGeometry(nodes=region.nodes, links=tuple(region.links)), build_inventory(region.documents)))
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        page = (await client.get("/")).text
        again = await client.get("/map.json", headers={"if-none-match": f'"{world_tag(page)}"'})
    row = page[page.index("<tbody>") : page.index("</tbody>")]
    files = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.rglob("*") if path.suffix in (".js", ".css", ".svg"))
    whole = len(drawing.packed) + len(gzip.compress((page + row * (ROWS // 4)).encode())) + files
    assert len(drawing.packed) < PROMISED / 3
    assert whole < PROMISED * 0.8
    assert again.status_code == 304


def world_tag(page: str) -> str:
    """The map's tag as the page names it."""
    return page.split("/map.json?v=", 1)[1][:16]


async def test_under_its_tag_the_map_is_asked_for_once() -> None:
    world = await console_world()
    async with logged_in(world, "vera") as (client, _):
        tag = world_tag((await client.get("/")).text)
        kept = await client.get(f"/map.json?v={tag}")
        other = await client.get("/map.json?v=0000000000000000")
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["content-encoding"] == "gzip"
    assert "no-cache" in other.headers["cache-control"], "a page of another time asks again"
    assert kept.json() == other.json()
