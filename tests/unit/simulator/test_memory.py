from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from simulator.memory import PlantMemory, from_json, load, save, to_json

MEMORY = PlantMemory(
    time=datetime(2026, 11, 17, 1, 5, tzinfo=UTC),
    levels_m={"T": 4.123456789},
    pump_on={"P": True},
    registers={"a.volume": 1234.5678},
    setpoints_m={"prv": 31.5},
    held={"prv:prv": 30.0},
)


def test_a_state_comes_back_as_it_was(tmp_path: Path):
    save(MEMORY, tmp_path / "new" / "state.json")
    assert load(tmp_path / "new" / "state.json") == MEMORY
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"time": "2026-11-17T01:05:00"}'])
def test_a_damaged_state_is_a_clear_error(tmp_path: Path, text: str):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(ConfigurationError, match="this version"):
        load(tmp_path / "state.json")


def test_a_time_without_zone_is_refused():
    with pytest.raises(ConfigurationError, match="time without zone"):
        from_json({**to_json(MEMORY), "time": "2026-11-17T01:05:00"})


def test_a_missing_state_is_a_clear_error(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"state\.json"):
        load(tmp_path / "state.json")
