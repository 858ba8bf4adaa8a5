"""The engine's clauses in every language: each of them known, every number kept, nothing lost."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from console.clauses import Clauses
from console.i18n import LANGUAGES, load_texts

ROOT = Path(__file__).parents[3]
TEXTS = load_texts()
CLAUSES = {language: Clauses(TEXTS["en"], texts) for language, texts in TEXTS.items()}
NAMES = {"medina.critical1.pressure": "point"}
ADVICE = (
    "lower 30.0 → 29.0 m: flow 35.1 m³/h, expected up to 35.0; "
    "medina.critical1.pressure needs 20.0 m + loss 4.1 + reserve 1.8 = 25.9 m (ramp: at most 2.0 m up, 1.0 m down)"
)
BASIS = (
    "3 critical points measured now; customers below = share of 3 critical points below × 3102 connections; "
    "leakage by (P/P0)^(1.10 ± 0.20), as published, on the night leakage; flow taken as it is now"
)
SOURCES = ("advise.py", "effect.py", "envelope.py", "supervisor.py", "laws")
"""Where the engine writes what people read."""


def test_the_advice_of_a_law_is_said_in_french_and_arabic() -> None:
    french = CLAUSES["fr"](ADVICE, NAMES)
    assert french == (
        "baisser de 30,0 à 29,0 m : débit 35,1 m³/h, attendu jusqu’à 35,0; "
        "point demande 20,0 m + perte 4,1 + réserve 1,8 = 25,9 m (rampe : au plus 2,0 m en hausse, 1,0 m en baisse)"
    )
    assert not re.search(r"[a-zA-Z]", CLAUSES["ar"](ADVICE, {"medina.critical1.pressure": "نقطة"}))


@pytest.mark.parametrize("text", [ADVICE, BASIS])
def test_english_stays_english_and_no_number_is_lost(text: str) -> None:
    assert CLAUSES["en"](text).replace("\u202f", "") == text
    for language in LANGUAGES:
        said = CLAUSES[language](text)
        assert [n.replace(",", ".") for n in re.findall(r"\d+[.,]?\d*", said.replace("\u202f", ""))] == re.findall(
            r"\d+\.?\d*", text
        )


@pytest.mark.parametrize("text", ["", "something new; hold, the valve does not follow its setpoint", "a (b", "(", "x; ; y (z)"])
def test_what_is_not_known_is_shown_as_it_came(text: str) -> None:
    assert CLAUSES["en"](text) == text


def test_a_known_clause_beside_an_unknown_one_is_said() -> None:
    assert CLAUSES["fr"]("something new; agreed, the twin leads") == "something new; d’accord, le jumeau mène"


def written() -> set[str]:
    """The words between the numbers of every f-string and sentence that the engine builds."""
    found: set[str] = set()
    for name in SOURCES:
        place = ROOT / "pressure_control" / name
        for path in place.rglob("*.py") if place.is_dir() else (place,):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    words = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
                    found |= {piece.strip(" ;:(),") for piece in words.split("\0")}
    return {words for words in found if len(re.findall(r"[a-z]{3,}", words)) > 1}


def test_whatever_the_engine_writes_is_in_the_catalogue() -> None:
    catalogue = " | ".join(text for key, text in TEXTS["en"].entries.items() if key.startswith("clause."))
    plain = re.sub(r"\{\w+\}", "\0", catalogue)
    said = {words for words in written() if all(part.strip(" ;:(),") in plain for part in re.split(r"; ", words))}
    unsaid = written() - said - ELSEWHERE
    assert len(said) > 25
    assert unsaid == set()


ELSEWHERE = {
    "hours written down for",
    "readings and more",
    "head losses learned from",
    "samples",
    "places of the network's copy",
    "critical points fresh and believed",
    "critical points fresh",
}
"""Of ``Advice.basis``, which no page shows."""
