"""Writing TOML: JSON's strings, numbers, booleans and lists of them are TOML's too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_toml(document: Mapping[str, Any]) -> str:
    """Text of a document of plain keys and tables; None is left out."""
    plain = {k: v for k, v in document.items() if not isinstance(v, Mapping) and v is not None}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for name, table in document.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]"]
            lines += [f"{key} = {_value(value)}" for key, value in table.items() if value is not None]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)
