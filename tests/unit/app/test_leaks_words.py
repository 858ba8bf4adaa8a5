"""Whatever a detector brings forward has words: in ``khettara leaks explain`` and on the pages of all three languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from app.leaks_table import BESIDE, CAUSES, NOTES, SINGLE, WORDS

ROOT = Path(__file__).resolve().parents[3]


def evidence_names() -> set[str]:
    """Every name that a detector gives its evidence, without what follows a colon."""
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "leak_detection").rglob("*.py")]
    names = {name for text in texts for name in re.findall(r'Evidence\(\s*name=f?"([a-z_]+)', text)}
    return names | {"gauge"}


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_every_evidence_and_note_is_said_in_every_language(language: str) -> None:
    texts = tomllib.loads((ROOT / "console" / "locales" / f"{language}.toml").read_text(encoding="utf-8"))
    assert evidence_names() <= set(texts["finding_evidence"])
    assert set(texts["finding_note"]) == set(NOTES)


def test_every_evidence_is_said_on_the_command_line() -> None:
    assert len(evidence_names()) > 8
    assert evidence_names() <= set(WORDS)
    assert set(WORDS) >= BESIDE | SINGLE
    assert {"leak", "meter", "slope"} <= set(CAUSES)
