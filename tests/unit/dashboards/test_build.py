"""The committed JSON is what the code makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.alerting import alerting_texts
from dashboards.build import DASHBOARDS, build_all, built, load_all, write_all
from dashboards.execute import ALL
from dashboards.page import page_text
from dashboards.specs import LANGUAGES, QUERIES, Language, Panel, worded
from domain.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
FILES = len(DASHBOARDS) * len(LANGUAGES)


def test_the_committed_files_are_up_to_date() -> None:
    assert build_all(ALL, check=True) == [], "run: khettara dashboards build"


def test_building_is_repeatable_and_writes_only_what_differs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert len(build_all(out, check=True)) == FILES
    assert not out.exists()
    assert len(build_all(out)) == FILES
    first = {path.name: path.read_bytes() for path in out.rglob("*.json")}
    assert build_all(out) == []
    (out / "en" / "khettara-zone-en.json").write_text("{}")
    assert build_all(out, check=True) == [out / "en" / "khettara-zone-en.json"]
    assert build_all(out) == [out / "en" / "khettara-zone-en.json"]
    assert {path.name: path.read_bytes() for path in out.rglob("*.json")} == first


def test_a_file_that_no_dashboard_makes_is_named(tmp_path: Path) -> None:
    build_all(tmp_path)
    (tmp_path / "old.json").write_text("{}")
    assert build_all(tmp_path, check=True) == [tmp_path / "old.json"]


def test_no_dashboards_are_no_success(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least one dashboard"):
        load_all(tmp_path)


def panels() -> list[tuple[str, Panel]]:
    return [(spec.key, panel) for spec in DASHBOARDS for row in spec.rows for panel in row.panels]


def test_uids_are_unique_and_every_query_is_used() -> None:
    uids = {spec.uid(language) for spec in DASHBOARDS for language in LANGUAGES}
    assert len(uids) == FILES == len(built())
    assert {panel.query for _, panel in panels()} == {path.stem for path in QUERIES.glob("*.sql")}


def test_the_six_dashboards_of_a_utility_are_there() -> None:
    assert [spec.key for spec in DASHBOARDS] == ["network", "zone", "pressure", "meters", "leaks", "ingest"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_panel_titles_name_one_panel_of_a_dashboard(language: Language) -> None:
    titles = [(key, panel.title.said(language)) for key, panel in panels()]
    assert len(set(titles)) == len(titles)


def test_every_text_is_said_in_both_languages() -> None:
    for key, panel in panels():
        for words in (panel.title, panel.about, *([panel.empty] if panel.empty else []), *(c.name for c in panel.columns)):
            assert words.fr.strip(), (key, panel.query)
            assert words.en.strip(), (key, panel.query)
        assert panel.about.fr != panel.about.en, (key, panel.query)


def test_names_in_sql_are_those_of_the_language() -> None:
    assert worded("SELECT a AS \"<<Débit|Flow>>\", b << 2, '<<fr|en>>'", "fr") == "SELECT a AS \"Débit\", b << 2, 'fr'"
    assert worded('SELECT a AS "<<Débit|Flow>>"', "en") == 'SELECT a AS "Flow"'
    french = [word for word in ("Débit", "Secteur", "Passerelle", "Dernière") for _, p in panels() if word in p.sql("en")]
    assert french == []


def test_the_alert_rules_and_the_page_are_up_to_date() -> None:
    texts = {ROOT / "deploy/grafana/provisioning/alerting" / name: text for name, text in alerting_texts().items()}
    texts[ROOT / "docs/dashboards.md"] = page_text()
    assert write_all(texts, check=True) == [], "run: khettara dashboards build"


def test_the_page_names_every_panel_in_both_languages() -> None:
    page = page_text()
    assert [panel.query for _, panel in panels() if f"| {panel.title.en} | {panel.title.fr} |" not in page] == []
