"""The kinds of meters that come with the product: ``protocols/device_models/dlms_*.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from domain.errors import ConfigurationError
from domain.tables import closest
from protocols.dlms.model import MeterModel, parse_meter_model

PREFIX = "dlms_"
"""What the names of these models begin with: the rest of the folder is Modbus."""


def is_meter_model(name: str) -> bool:
    """Whether a model of this name is a DLMS meter's."""
    return name.startswith(PREFIX)


def meter_model_names() -> tuple[str, ...]:
    """Names of the models that come with the product, in alphabetical order."""
    return tuple(sorted(p.name.removesuffix(".toml") for p in _folder().iterdir() if _is_ours(p.name)))


def load_meter_model(name: str, folder: Path | None = None) -> MeterModel:
    """The model of this name; ``folder`` is looked into first.

    Raises:
        ConfigurationError: There is no such file, or it is wrong.
    """
    if folder is not None and (path := folder / f"{name}.toml").is_file():
        return _load(path.read_bytes(), str(path))
    known = meter_model_names()
    if name not in known:
        near = closest(name, known)
        expected = "a DLMS meter model" + (f"; did you mean {near!r}?" if near else f", one of {', '.join(known)}")
        raise ConfigurationError(file=f"{name}.toml", key="model", value=name, expected=expected)
    return _own(name)


@cache
def _own(name: str) -> MeterModel:
    return _load((_folder() / f"{name}.toml").read_bytes(), f"{name}.toml")


def _load(raw: bytes, file: str) -> MeterModel:
    try:
        return parse_meter_model(tomllib.loads(raw.decode("utf-8")), file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(file=file, key="(file)", value=str(error), expected="valid TOML in UTF-8") from None


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX) and name.endswith(".toml")


def _folder() -> resources.abc.Traversable:
    return resources.files("protocols") / "device_models"
