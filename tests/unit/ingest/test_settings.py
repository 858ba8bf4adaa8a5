"""Settings refuse what they do not know."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ingest.settings import IngestSettings


def test_defaults() -> None:
    settings = IngestSettings()
    assert (settings.host_id, settings.share_group) == ("khettara", "ingest")
    assert (settings.batch.rows, settings.batch.wait_s) == (20_000, 0.1)
    assert IngestSettings.model_validate({"share_group": None}).share_group is None


@pytest.mark.parametrize(
    "wrong",
    [{"hostid": "x"}, {"host_id": "a/b"}, {"share_group": "a+"}, {"broker": {"port": 0}}, {"batch": {"row": 1}}],
)
def test_what_is_not_known_or_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IngestSettings.model_validate(wrong)


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(IngestSettings.model_validate({"broker": {"password": "hunter2"}}))
