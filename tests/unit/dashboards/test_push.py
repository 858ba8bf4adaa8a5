"""Pushed once and again, refused and misdirected, against a server that plays Grafana's HTTP API; the token is never told."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli_dashboards import dashboards
from dashboards.build import DASHBOARDS, load_all
from dashboards.execute import ALL
from dashboards.push import FOLDERS, Grafana, Pushed, PushError, checked_url, folder_uid
from dashboards.specs import LANGUAGES
from domain.errors import ConfigurationError
from tests.support.grafana_server import TOKEN, PlayedGrafana, played_grafana

FRENCH = load_all(ALL / "fr")


@pytest.fixture
def played() -> Iterator[PlayedGrafana]:
    with played_grafana() as server:
        yield server


def push(played: PlayedGrafana, token: str = TOKEN) -> list[Pushed]:
    with Grafana(played.url, token) as grafana:
        return list(grafana.push(FRENCH, "fr"))


def test_a_second_push_changes_nothing(played: PlayedGrafana) -> None:
    assert {pushed.became for pushed in push(played)} == {"created"}
    assert played.folders == {folder_uid("fr"): FOLDERS["fr"]}
    assert set(played.dashboards) == {spec.uid("fr") for spec in DASHBOARDS}
    played.calls.clear()
    assert {pushed.became for pushed in push(played)} == {"unchanged"}
    assert {method for method, _ in played.calls} == {"GET"}


def test_only_what_differs_is_written(played: PlayedGrafana) -> None:
    push(played)
    edited = copy.deepcopy(played.dashboards["khettara-zone-fr"])
    edited["dashboard"]["title"] = "edited by hand"
    played.dashboards["khettara-zone-fr"] = edited
    played.dashboards["khettara-leaks-fr"]["meta"]["folderUid"] = "elsewhere"
    updated = [pushed.what for pushed in push(played) if pushed.became == "updated"]
    assert updated == ["khettara-leaks-fr.json", "khettara-zone-fr.json"]
    assert played.dashboards["khettara-zone-fr"]["dashboard"]["title"] == "Secteur"


REFUSED: dict[str, tuple[str, int, object, str]] = {
    "no right": ("/api/folders/khettara-fr", 403, {"message": "Permission denied"}, "give it the role Editor"),
    "from a file": (
        "/api/dashboards/db",
        400,
        {"message": "Cannot save provisioned dashboard"},
        "Cannot save provisioned dashboard",
    ),
    "another page": ("/api/folders/khettara-fr", 200, b"<html>log in</html>", "is this address a Grafana's?"),
    "no API there": ("/api/folders", 404, b"<html>nothing</html>", "is a path such as /grafana missing"),
    "broken": ("/api/dashboards/db", 500, {"message": "database is locked"}, "500 database is locked"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_what_and_what_would_help(played: PlayedGrafana, name: str) -> None:
    path, status, body, said = REFUSED[name]
    played.fails[path] = (status, body)
    with pytest.raises(PushError) as caught:
        push(played)
    assert said in str(caught.value)
    assert path in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_wrong_token_is_said_and_not_told(played: PlayedGrafana) -> None:
    with pytest.raises(PushError, match="401 Invalid API key; the token is not valid here") as caught:
        push(played, "glsa_another")
    assert "glsa_another" not in str(caught.value)


def test_no_server_is_said(played: PlayedGrafana) -> None:
    with Grafana("http://127.0.0.1:9", TOKEN) as grafana, pytest.raises(PushError, match="no answer: ConnectError"):
        list(grafana.push(FRENCH, "fr"))


@pytest.mark.parametrize("url", ["grafana.example.org", "ftp://grafana", "https://", "https://a:b@grafana", "https://grafana?x=1"])
def test_an_address_that_cannot_be_right_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="--url"):
        checked_url(url)


def test_the_command_pushes_both_languages_and_keeps_the_token_to_itself(
    played: PlayedGrafana, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    secret = tmp_path / "token"
    secret.write_text(TOKEN + "\n")
    done = CliRunner().invoke(dashboards, ["push", "--url", played.url + "/", "--token-file", str(secret)])
    assert done.exit_code == 0, done.output
    assert done.output.count("created") == len(LANGUAGES) * (1 + len(DASHBOARDS))
    assert TOKEN not in done.output + caplog.text
    again = CliRunner().invoke(dashboards, ["push", "--url", played.url, "--language", "en"], env={"KHETTARA_GRAFANA_TOKEN": TOKEN})
    assert again.output.count("unchanged") == 1 + len(DASHBOARDS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "one of --token"), (["--token", "x", "--language", "ar"], "--language"), (["--token", "a\nb"], "service account token")],
)
def test_what_the_command_needs_is_said(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(dashboards, ["push", "--url", "http://127.0.0.1:9", *arguments], env={"KHETTARA_GRAFANA_TOKEN": ""})
    assert isinstance(done.exception, ConfigurationError)
    assert said in str(done.exception)
