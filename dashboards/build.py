"""Builds the dashboards into JSON files that Grafana's file provisioning reads. The same input gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dashboards import fleet, leaks, pressure, zones
from dashboards.model import faults, parse
from domain.errors import ConfigurationError

DASHBOARDS = (zones.DASHBOARD, pressure.DASHBOARD, fleet.DASHBOARD, leaks.DASHBOARD)


def built() -> dict[str, dict[str, Any]]:
    """Every dashboard's JSON by file name.

    Raises:
        ConfigurationError: A dashboard breaks one of our rules.
    """
    from dashboards.grafana import dashboard_json  # noqa: PLC0415 - the SDK is needed for building alone

    files = {f"{spec.uid}.json": dashboard_json(spec) for spec in DASHBOARDS}
    for name, data in files.items():
        for fault in faults(parse(data, name)):
            raise ConfigurationError(
                file=name, key="panels", value=fault, expected="a dashboard that keeps the rules of dashboards.model"
            )
    return files


def text_of(data: dict[str, Any]) -> str:
    """The text of a file: sorted keys and a newline at the end, so that a difference is a change."""
    return json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def build_all(out: Path, *, check: bool = False) -> list[Path]:
    """Writes every dashboard that differs from its file; with ``check`` writes nothing.

    Returns:
        The files that differed; with ``check`` also JSON files in the folder that no dashboard makes.
    """
    different = []
    texts = {out / name: text_of(data) for name, data in built().items()}
    for path, text in texts.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            different.append(path)
            if not check:
                out.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if check:
        different += sorted(set(out.glob("*.json")) - set(texts))
    return different


def load_all(folder: Path) -> dict[str, dict[str, Any]]:
    """The dashboards of a folder by file name.

    Raises:
        ConfigurationError: There are none, which would otherwise pass for all of them being right.
    """
    found = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    if not found:
        raise ConfigurationError(file=str(folder), key="*.json", value=0, expected="at least one dashboard")
    return found
