"""The ``[ingest]`` section of a settings file reaches the ingestor, its mistakes by key."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.services import ingest_settings
from app.settings import load_settings
from domain.errors import ConfigurationError

BASE = '[site]\nfolder = "."\n[database]\ndsn = "dbname=x"\n[broker]\nport = 1884\n'
FOREIGN = """
[ingest.batch]
rows = 500
[[ingest.foreign]]
name = "lora"
format = "chirpstack"
topic = "application/+/device/{device}/event/up"
"""


def test_the_section_reaches_the_ingestor(tmp_path: Path) -> None:
    file = tmp_path / "ingest.toml"
    file.write_text(BASE + FOREIGN)
    settings = ingest_settings(load_settings(file, {"KHETTARA_INGEST__SHARE_GROUP": "two"}))
    assert (settings.broker.port, settings.batch.rows, settings.share_group) == (1884, 500, "two")
    assert [source.edge for source in settings.foreign] == ["mqtt/lora"]


@pytest.mark.parametrize(
    ("text", "key"), [('[ingest]\nshare = "x"\n', "share"), (FOREIGN.replace("chirpstack", "lorawan"), "foreign[0].format")]
)
def test_mistakes_are_named(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "ingest.toml"
    file.write_text(BASE + text)
    with pytest.raises(ConfigurationError) as raised:
        ingest_settings(load_settings(file, {}))
    assert raised.value.key == key
