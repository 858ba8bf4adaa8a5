"""The town's process out of its settings file."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from app.logs import configure_logs
from app.settings import ClockSettings, parse
from app.site import read_toml


class TownSection(BaseModel):
    """``[town]``"""

    model_config = ConfigDict(extra="forbid", frozen=True)
    site_folder: Path
    seed: int
    scenario: str
    state_folder: Path
    live_start: datetime
    """When the town first went live: the scenario's faults count from here."""


class TownFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    town: TownSection
    clock: ClockSettings = ClockSettings()


async def run_town_from(path: Path, stop: asyncio.Event) -> None:
    """Runs the town of a settings file until ``stop``."""
    from simulator.town import TownSettings, run_town

    configure_logs("town")
    file = parse(TownFile, read_toml(path), str(path))
    settings = TownSettings(
        site_dir=file.town.site_folder,
        seed=file.town.seed,
        scenario=file.town.scenario,
        state_dir=file.town.state_folder,
        clock=file.clock.clock(),
        live_start=file.town.live_start,
    )
    await run_town(settings, stop)
