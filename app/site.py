"""A site's folder: its four TOML files, read and checked as a whole."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationError
from domain.inventory import Inventory, build_inventory

FILES = ("site.toml", "zones.toml", "points.toml", "devices.toml")


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file.

    Raises:
        ConfigurationError: The file is absent or is no TOML; the message says where.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(file=str(path), key="(file)", value="absent", expected="a TOML file at this place") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(file=str(path), key="(syntax)", value=str(error), expected="valid TOML in UTF-8") from None


def load_site(folder: Path) -> Inventory:
    """The inventory of the site in this folder.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    return build_inventory({name: read_toml(folder / name) for name in FILES})


def demo_site() -> Path:
    """Folder of the site that comes with the product."""
    return Path(__file__).resolve().parent.parent / "sites" / "demo"
