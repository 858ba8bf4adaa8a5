"""Builds the dashboards into JSON files for Grafana's file provisioning, a folder a language. Same input, same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dashboards import ingest_health, leaks, meters, network, pressure, zone
from dashboards.model import parse
from dashboards.rules import faults
from dashboards.specs import LANGUAGES
from domain.errors import ConfigurationError

DASHBOARDS = (
    network.DASHBOARD,
    zone.DASHBOARD,
    pressure.DASHBOARD,
    meters.DASHBOARD,
    leaks.DASHBOARD,
    ingest_health.DASHBOARD,
)


def built() -> dict[str, dict[str, Any]]:
    """Every dashboard's JSON by file name, ``fr/khettara-zone-fr.json``.

    Raises:
        ConfigurationError: A dashboard breaks one of our rules.
    """
    from dashboards.grafana import dashboard_json  # noqa: PLC0415 - the SDK is needed for building alone

    files = {
        f"{language}/{spec.uid(language)}.json": dashboard_json(spec, language) for language in LANGUAGES for spec in DASHBOARDS
    }
    parsed = {name: parse(data, name) for name, data in files.items()}
    uids = frozenset(dashboard.uid for dashboard in parsed.values())
    for name, dashboard in parsed.items():
        for fault in faults(dashboard, uids):
            raise ConfigurationError(
                file=name, key="panels", value=fault, expected="a dashboard that keeps the rules of dashboards.rules"
            )
    return files


def text_of(data: dict[str, Any]) -> str:
    """The text of a file: sorted keys and a newline at the end, so that a difference is a change."""
    return json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def write_all(texts: dict[Path, str], *, check: bool = False) -> list[Path]:
    """Writes every file that differs; with ``check`` writes nothing. Returns those that differed."""
    different = []
    for path, text in texts.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            different.append(path)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return different


def build_all(out: Path, *, check: bool = False) -> list[Path]:
    """Writes every dashboard that differs from its file; with ``check`` writes nothing.

    Returns:
        The files that differed; with ``check`` also JSON files in the folder that no dashboard makes.
    """
    texts = {out / name: text_of(data) for name, data in built().items()}
    different = write_all(texts, check=check)
    if check:
        different += sorted(set(out.rglob("*.json")) - set(texts))
    return different


def load_all(folder: Path) -> dict[str, dict[str, Any]]:
    """The dashboards of a folder and the folders in it, by file name.

    Raises:
        ConfigurationError: There are none, which would otherwise pass for all of them being right.
    """
    paths = sorted(folder.rglob("*.json"))
    found = {path.relative_to(folder).as_posix(): json.loads(path.read_text(encoding="utf-8")) for path in paths}
    if not found:
        raise ConfigurationError(file=str(folder), key="*.json", value=0, expected="at least one dashboard")
    return found
