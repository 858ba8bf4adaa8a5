"""Settings come from one file and the environment, and refuse what they do not know."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from psycopg.conninfo import conninfo_to_dict

from app.settings import CentreSettings, ClockSettings, DatabaseSettings, load_settings
from domain.errors import ConfigurationError
from pressure_control.laws.table import LAWS

GOOD = """
[site]
folder = "sites/demo"
[database]
dsn = "host=db dbname=khettara user=reader"
"""


def settings_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "khettara.toml"
    path.write_text(text)
    return path


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    environment = {"KHETTARA_BROKER__PORT": "2883", "KHETTARA_HOST_ID": "north", "KHETTARA_SHARED": "/x", "HOME": "/root"}
    settings = load_settings(settings_file(tmp_path, GOOD), environment)
    assert settings.broker.port == 2883
    assert settings.host_id == "north"


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        (GOOD + "[brocker]\nport = 1\n", "brocker", "a known key"),
        (GOOD + "[broker]\nprot = 1\n", "broker.prot", "a known key"),
        (GOOD + "[broker]\nport = 99999\n", "broker.port", "65535"),
        (GOOD + '[clock]\nkind = "fast"\n', "clock.kind", "wall"),
        ('[database]\ndsn = "x"\n', "site", "required"),
        ("[site\n", "(syntax)", "valid TOML"),
    ],
)
def test_a_wrong_file_says_file_key_value_and_what_would_be_right(tmp_path: Path, text: str, key: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(settings_file(tmp_path, text), {})
    assert caught.value.key == key
    assert expected in str(caught.value)
    assert "khettara.toml" in str(caught.value)


@pytest.mark.parametrize("dsn", ["host=db dbname=k user=reader", "postgresql://reader@db/k"])
def test_the_password_comes_from_its_file_whatever_the_form_of_the_dsn(tmp_path: Path, dsn: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("it's \\ one\n")
    settings = DatabaseSettings(dsn=dsn, password_file=secret)
    found = conninfo_to_dict(settings.of("ingest"))
    assert (found["host"], found["user"], found["password"]) == ("db", "reader", "it's \\ one")


def test_a_dsn_with_its_own_password_keeps_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("other")
    settings = DatabaseSettings(dsn="postgresql://r@db/k", ingest_dsn="postgresql://i:own@db/k", password_file=secret)
    assert conninfo_to_dict(settings.of("ingest"))["password"] == "own"


def test_the_scaled_clock_is_the_domain_s(tmp_path: Path) -> None:
    clock = ClockSettings(kind="scaled", wall_origin=1e9, sim_origin=1e9 - 3600, speed=60.0).clock()
    assert clock.timestamp() > 1e9


def test_the_law_of_a_site_is_one_of_the_table() -> None:
    offered = get_args(get_args(CentreSettings.model_fields["control_law"].annotation)[0])
    assert set(offered) == set(LAWS)
    assert CentreSettings().control_law is None


def test_without_a_file_the_error_says_where_a_key_may_stand() -> None:
    with pytest.raises(ConfigurationError, match=r"environment: site = 'absent' .* --config or as KHETTARA_SITE"):
        load_settings(None, {})
