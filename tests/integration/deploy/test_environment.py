"""A service's environment as compose gives it is enough to work with, without any file of settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import yaml

from tests.support.postgres import FreshDatabase

ROOT = Path(__file__).parents[3]


def test_migrate_works_from_its_environment_alone(database: FreshDatabase, tmp_path: Path) -> None:
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["migrate"]
    info = psycopg.conninfo.conninfo_to_dict(database.dsn())
    secret = tmp_path / "db_admin"
    secret.write_text(f"{info['password']}\n")
    moved = {
        "KHETTARA_SITE__FOLDER": str(ROOT / "sites" / "demo"),
        "KHETTARA_DATABASE__DSN": f"host={info['host']} port={info['port']} dbname={info['dbname']} user={info['user']}",
        "KHETTARA_DATABASE__PASSWORD_FILE": str(secret),
    }
    assert set(moved) == set(service["environment"])
    command = [sys.executable, "-m", "app", *service["command"]]
    done = subprocess.run(command, env=os.environ | moved, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "inventory of demo" in done.stdout
    with psycopg.connect(database.dsn()) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM v_inlet").fetchone() == (True,)
