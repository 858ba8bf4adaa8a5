"""``khettara certs`` from the command line: what it makes, and what it says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from domain.errors import ConfigurationError


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["certs", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_from_authority_to_revocation(tmp_path: Path) -> None:
    ca = str(tmp_path / "pki")
    assert "ca.pem" in run("ca", ca)
    said = tomllib.loads(run("gateway", "gw-1", "--ca", ca, "--out", str(tmp_path / "gw")))
    assert said["broker"]["certificate_file"] == str(tmp_path / "gw" / "gw-1.pem")
    run("service", "desk", "--ca", ca, "--out", str(tmp_path / "desk"), "--days", "10")
    run("service", "broker", "--ca", ca, "--out", str(tmp_path / "broker"), "--host", "b.example", "--host", "10.0.0.1")
    assert "1 certificate(s) of gw-1" in run("revoke", "gw-1", "--ca", ca)
    assert "1 certificate(s) of khettara-desk" in run("revoke", "khettara-desk", "--ca", ca)
    made = {path.name for path in tmp_path.rglob("*.key")}
    assert made == {"ca.key", "gw-1.key", "khettara-desk.key", "khettara-broker.key"}
    with pytest.raises(ConfigurationError, match="one of ingest, desk, host, broker"):
        run("service", "scada", "--ca", ca, "--out", str(tmp_path))
