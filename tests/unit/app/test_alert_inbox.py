"""The token of other systems' alerts."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.service import Alerts
from app.alert_inbox import alert_inbox
from app.settings import AlertsSettings
from domain.errors import ConfigurationError
from tests.support.alarm_town import at
from tests.support.alert_store import MemoryAlertStore
from tests.support.desk import SetClock
from tests.support.stored_town import town


def service() -> Alerts:
    return Alerts(store=MemoryAlertStore(), clock=SetClock(at(0)), authorise=lambda _u, _r, _z: None)


def test_without_a_token_nothing_is_taken() -> None:
    assert alert_inbox(AlertsSettings(), service(), SetClock(at(0)), town()) is None


def test_the_token_comes_out_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a token that nobody guesses\n")
    inbox = alert_inbox(AlertsSettings(inbox_token_file=file), service(), SetClock(at(0)), town())
    assert inbox is not None
    assert inbox.opens_to("a token that nobody guesses")


@pytest.mark.parametrize("content", [b"short", b"\xff" * 40, None])
def test_a_token_that_is_none_is_refused_and_not_shown(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="inbox_token_file") as refused:
        alert_inbox(AlertsSettings(inbox_token_file=file), service(), SetClock(at(0)), town())
    assert "short" not in str(refused.value)
