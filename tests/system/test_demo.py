"""The whole system, as a new user starts it: the loop holds, a second start goes on, and nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("KHETTARA_TEST_SEED", "11"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished run."""

    data: Path
    code: int
    text: str
    report: dict[str, Any]


def demo(data: Path, *arguments: str) -> Run:
    report = data.parent / f"{data.name}.json"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "app", "demo", "--data", str(data), "--report", str(report), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=420,
        check=False,
    )
    document = json.loads(report.read_text()) if report.exists() else {}
    return Run(data=data, code=done.returncode, text=done.stdout + done.stderr, report=document)


def processes_naming(text: str) -> list[str]:
    """Command lines of running processes that name a text."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and str(os.getpid()) not in entry.parts:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tmp_path_factory.mktemp("demo") / "data"
    return demo(data, "--for", "180", "--seed", str(SEED), "--port", "0")


@pytest.mark.timeout(460)
def test_the_loop_holds(run: Run) -> None:
    assert run.code == 0, run.text
    report = run.report
    assert report["ok"], report["failures"]
    assert report["spooled"] == report["stored"] + report["dead_letters"] > 250_000
    assert report["lost"] == report["duplicated"] == report["false_alerts"] == 0
    assert report["burst"]["found_zone"] == report["burst"]["zone"]
    assert 0 <= report["burst"]["found_after_h"] <= 3
    assert report["setpoints"]["ordered"] == report["setpoints"]["verified"] > 0
    assert report["leakage"]["controlled_m3"] < report["leakage"]["fixed_m3"]
    assert report["customer_minutes_below"] == 0


@pytest.mark.timeout(460)
def test_nothing_stays_behind(run: Run) -> None:
    assert processes_naming(str(run.data)) == []


@pytest.mark.timeout(460)
def test_no_secret_is_in_a_log_or_open_to_others(run: Run) -> None:
    secrets = [(run.data / "broker" / "password").read_text(), (run.data / "centre" / "password").read_text()]
    secrets += list(json.loads((run.data / "postgres" / "passwords.json").read_text()).values())
    for log in (run.data / "logs").glob("*.log"):
        text = log.read_text(errors="replace")
        assert not any(secret in text for secret in secrets), log.name
    private = [run.data / "centre" / "command.key.pem", run.data / "centre.toml", *run.data.glob("edge/*/edge.toml")]
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)


@pytest.mark.timeout(460)
def test_every_panel_has_rows_on_the_demonstration(run: Run) -> None:
    """Every dashboard's SQL, macros expanded, as the read-only role on the demonstration's own database."""
    from datetime import UTC, datetime, timedelta

    from app.embedded.postgres import EmbeddedPostgres
    from dashboards.execute import check_panels
    from storage.roles import Role

    end = datetime.fromisoformat(run.report["to"]).astimezone(UTC)
    server = EmbeddedPostgres(run.data / "postgres")
    server.start()
    try:
        results = check_panels(server.dsn(Role.READ.value), end - timedelta(days=7), end)
    finally:
        server.stop()
    assert len(results) >= 12
    assert [str(r) for r in results if not r.ok] == []


@pytest.mark.timeout(460)
def test_the_audit_chain_is_whole_and_an_edit_is_found(run: Run) -> None:
    def verify(expect: int) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "app", "audit", "verify", "--data", str(run.data)],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    assert "the chain is whole" in verify(0)


@pytest.mark.timeout(460)
def test_a_second_start_goes_on_and_ctrl_c_stops_it_clean(run: Run) -> None:
    before = run.report["to"]
    arguments = ("--data", str(run.data), "--port", "0", "--report", str(run.data.parent / "again.json"))
    child = subprocess.Popen(
        [sys.executable, "-m", "app", "demo", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        lines.append(line)
        if "Ctrl-C stops it" in line:
            break
    assert any("http://127.0.0.1:" in line for line in lines), "".join(lines)
    assert not any("hydraulics" in line for line in lines), "the past was made again"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    rest, _ = child.communicate(timeout=120)
    again = json.loads((run.data.parent / "again.json").read_text())
    assert again["to"] > before
    assert again["lost"] == again["duplicated"] == 0, again
    assert again["spooled"] > run.report["spooled"]
    assert child.returncode == 0, rest
    assert processes_naming(str(run.data)) == []


def test_a_wrong_scenario_names_the_known_ones(tmp_path: Path) -> None:
    wrong = demo(tmp_path / "data", "--scenario", "flood")
    assert wrong.code == 2
    assert "flood" in wrong.text
    assert "quiet" in wrong.text
