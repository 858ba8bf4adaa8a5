"""The committed JSON is what the code makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.build import DASHBOARDS, build_all, built, load_all
from dashboards.execute import FOLDER
from dashboards.specs import QUERIES
from domain.errors import ConfigurationError


def test_the_committed_files_are_up_to_date() -> None:
    assert build_all(FOLDER, check=True) == [], "run: khettara dashboards build"


def test_building_is_repeatable_and_writes_only_what_differs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert len(build_all(out, check=True)) == len(DASHBOARDS)
    assert not out.exists()
    assert len(build_all(out)) == len(DASHBOARDS)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert build_all(out) == []
    (out / "khettara-zones.json").write_text("{}")
    assert build_all(out, check=True) == [out / "khettara-zones.json"]
    assert build_all(out) == [out / "khettara-zones.json"]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_a_file_that_no_dashboard_makes_is_named(tmp_path: Path) -> None:
    build_all(tmp_path)
    (tmp_path / "old.json").write_text("{}")
    assert build_all(tmp_path, check=True) == [tmp_path / "old.json"]


def test_no_dashboards_are_no_success(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="at least one dashboard"):
        load_all(tmp_path)


def test_uids_are_unique_and_every_query_is_used() -> None:
    assert len({spec.uid for spec in DASHBOARDS}) == len(DASHBOARDS) == len(built())
    used = {panel.query for spec in DASHBOARDS for row in spec.rows for panel in row.panels}
    assert used == {path.stem for path in QUERIES.glob("*.sql")}


def test_panel_titles_name_one_panel_of_a_dashboard() -> None:
    for spec in DASHBOARDS:
        titles = [panel.title for row in spec.rows for panel in row.panels]
        assert len(set(titles)) == len(titles)
