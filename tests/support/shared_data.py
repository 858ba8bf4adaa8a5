"""The shared data folder: beside the checkout for developers and in continuous integration, not at a user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("KHETTARA_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def shared(*parts: str) -> Path:
    """A file of the shared data, or a skip that says what is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"needs {'/'.join(parts)} of the shared data folder, looked for in {SHARED} (KHETTARA_SHARED names another place)"
        )
    return path
