"""A site folder as the simulator needs it: the inventory, the network's file and its map."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError
from domain.inventory import Inventory, build_inventory
from simulator.geometry import Geometry, read_geometry

FILES = ("site.toml", "zones.toml", "points.toml", "devices.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSite:
    """A site that can be simulated."""

    folder: Path
    inventory: Inventory
    network: Path
    geometry: Geometry


def load_site(folder: Path) -> SimulatedSite:
    """Reads and checks a site folder.

    Raises:
        ConfigurationError: A file is missing or says something that cannot be.
    """
    inventory = build_inventory({name: read_toml(folder / name) for name in FILES})
    file = inventory.site.network_file
    if file is None or not (folder / file).is_file():
        raise ConfigurationError(
            file="site.toml",
            key="network.file",
            value=file,
            expected=f"the name of an EPANET file in {folder.name}/, such as network.inp",
        )
    text = (folder / file).read_text(encoding="utf-8")
    return SimulatedSite(folder=folder, inventory=inventory, network=folder / file, geometry=read_geometry(text))


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as tables.

    Raises:
        ConfigurationError: It is missing or no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(file=path.name, key="", value=str(path), expected="a file that exists") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(file=path.name, key="", value=str(error), expected="valid TOML in UTF-8") from None
