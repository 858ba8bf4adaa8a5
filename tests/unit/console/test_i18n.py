"""Three complete catalogues: every key in each, the same places in each text, every key the code and templates ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerts.conditions import COMMAND_FAILED, GATEWAY_OFFLINE
from alerts.grouping import CODE
from commands.authorisation import ROLES
from console.i18n import LANGUAGES, choose_language, load_texts
from domain.alerts import AlertState
from domain.errors import ConfigurationError
from domain.setpoints import Mode, Source
from domain.zones import ZoneKind

ROOT = Path(__file__).parents[3]
TEXTS = load_texts()
ENGLISH = TEXTS["en"].entries


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_is_missing_and_none_is_too_many(language: str) -> None:
    assert set(TEXTS[language].entries) == set(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_hold_the_same_places(language: str) -> None:
    for key, text in TEXTS[language].entries.items():
        assert text.strip(), key
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", ENGLISH[key])), key


def test_arabic_is_arabic_and_french_is_french() -> None:
    latin = [
        k
        for k, v in TEXTS["ar"].entries.items()
        if not re.search(r"[\u0600-\u06ff]", v) and not k.startswith(("language.", "unit."))
    ]
    assert latin == []
    same = [k for k, v in TEXTS["fr"].entries.items() if v == ENGLISH[k] and len(v) > 12]
    assert same == []
    assert not any(set(v) & set("٠١٢٣٤٥٦٧٨٩") for v in TEXTS["ar"].entries.values()), "Latin digits"


def asked_for() -> set[str]:
    """Whole keys in templates, modules and scripts."""
    found: set[str] = set()
    for path in (ROOT / "console").rglob("*"):
        if path.suffix == ".html":
            found |= set(re.findall(r"\bt\('([\w.]+)'(?! ~)", path.read_text("utf-8")))
        elif path.suffix == ".py":
            found |= set(re.findall(r"(?:texts|\bt)\(\s*\"([\w.]+)\"", path.read_text("utf-8")))
            found |= set(re.findall(r"\"(login\.\w+)\"", path.read_text("utf-8")))
        elif path.suffix == ".js" and "vendor" not in path.parts:
            found |= {f"browser.{k}" for k in re.findall(r"\btext\(\"(\w+)\"", path.read_text("utf-8"))}
    return found - {"login.html"}


@pytest.mark.parametrize(
    ("error", "group"),
    [
        ("PlanRefused", "plan_refused"),
        ("ComplaintRefused", "complaint_refused"),
        ("WorkRefused", "work_refused"),
        ("PictureRefused", "work_refused"),
    ],
)
def test_every_code_of_a_refusal_has_a_sentence(error: str, group: str) -> None:
    folders = (ROOT / "alerts", ROOT / "console")
    modules = [path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py")]
    codes = {code for text in modules for code in re.findall(rf'{error}\(\s*"(\w+)"', text)}
    assert codes
    assert {f"{group}.{code}" for code in codes} - set(ENGLISH) == set()


def test_every_key_that_is_asked_for_exists() -> None:
    assert len(asked_for()) > 150
    assert asked_for() - set(ENGLISH) == set()


def codes(*folders: str) -> set[str]:
    """Refusal codes the desk, the edge and the console can give."""
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r"Reason\(\s*code=\"(\w+)\"", path.read_text("utf-8")))
    return found


def test_every_refusal_has_a_sentence() -> None:
    found = codes("commands", "edge", "console")
    assert len(found) > 30
    assert {c for c in found if f"reason.{c}" not in ENGLISH} == set()


def test_every_word_of_the_domain_has_a_text() -> None:
    words = {f"browser.mode_{m.value}" for m in Mode} | {f"browser.letter_{m.value}" for m in Mode}
    words |= {f"alert_state.{s.value}" for s in AlertState} | {f"zone_kind.{k.value}" for k in ZoneKind}
    words |= {f"source.{s.value}" for s in Source} | {f"role.{r}" for r in ROLES}
    words |= {f"outcome.{w}" for w in ("pending", "verified", "refused", "expired", "failed", "unknown")}
    words |= {f"{group}{rank}" for group in ("priority.", "browser.priority_") for rank in (1, 2, 3)}
    words |= {f"alert.{code}.title" for code in (*CODE.values(), COMMAND_FAILED, GATEWAY_OFFLINE)}
    words |= {f"browser.lost_{s}" for s in ("feed", "source")}
    assert words - set(ENGLISH) == set()


def test_a_missing_key_is_an_error_and_a_missing_value_is_not() -> None:
    with pytest.raises(KeyError):
        TEXTS["en"]("no.such.key")
    assert TEXTS["en"]("overview.more") == "… more"
    assert TEXTS["en"].find("no.such.key") is None


def test_values_are_never_read_as_texts() -> None:
    assert TEXTS["en"]("overview.more", count="{key}") == "{key} more"


@pytest.mark.parametrize(
    ("cookie", "preferred", "expected"), [("ar", "en", "ar"), (None, "en", "en"), ("xx", "yy", "fr"), (None, None, "fr")]
)
def test_choice_of_language(cookie: str | None, preferred: str | None, expected: str) -> None:
    assert choose_language(cookie, preferred) == expected


@pytest.mark.parametrize("content", ["[a]\nb = 1\n", "not toml"])
def test_a_broken_catalogue_names_its_file(tmp_path: Path, content: str) -> None:
    for language in LANGUAGES:
        (tmp_path / f"{language}.toml").write_text('[a]\nb = "x"\n')
    (tmp_path / "ar.toml").write_text(content)
    with pytest.raises(ConfigurationError, match=r"ar\.toml"):
        load_texts(tmp_path)
