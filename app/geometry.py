"""The network's drawing for the console, out of the site's EPANET file."""

from __future__ import annotations

from pathlib import Path

from console.ports import MapGeometry
from domain.inventory import Inventory


def map_geometry(site_folder: Path, inventory: Inventory) -> MapGeometry:
    """Nodes and links of the site's network; nothing where the site has no network file."""
    from simulator.geometry import read_geometry

    if inventory.site.network_file is None:
        return MapGeometry()
    network = read_geometry((site_folder / inventory.site.network_file).read_text(encoding="utf-8"))
    links = tuple(
        (link.key, link.start, link.end, zone if (zone := network.zones.get(link.end, "")) == network.zones.get(link.start) else "")
        for link in network.links
    )
    return MapGeometry(nodes={key: (x, y) for key, (x, y, _) in network.nodes.items()}, links=links)
