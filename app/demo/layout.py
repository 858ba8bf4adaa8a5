"""Where the demonstration keeps its things: one data folder, private to its user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.files import read_json, write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Paths inside a data folder."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The database cluster."""
        return self.root / "postgres"

    @property
    def broker(self) -> Path:
        """The broker's configuration and password."""
        return self.root / "broker"

    @property
    def centre(self) -> Path:
        """The centre's own state: keys, session secret."""
        return self.root / "centre"

    @property
    def town(self) -> Path:
        """The simulated town's state and truth."""
        return self.root / "town"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.root / "logs"

    @property
    def state(self) -> Path:
        """What a second start must know."""
        return self.root / "demo.json"

    def gateway(self, node: str) -> Path:
        """State of one gateway: its spool, journal and configuration."""
        return self.root / "edge" / node

    def history(self, node: str) -> Path:
        """Simulated past of one gateway's devices."""
        return self.town / f"history-{node}.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoState:
    """What a second start must know of the first."""

    seed: int
    scenario: str
    live_start: datetime
    """Process time at which the town went live."""
    seeded: bool
    """The simulated past is in the database."""

    @classmethod
    def load(cls, path: Path) -> DemoState | None:
        """The state of an earlier start, or None."""
        data: dict[str, Any] = read_json(path)
        if not data:
            return None
        return cls(
            seed=int(data["seed"]),
            scenario=str(data["scenario"]),
            live_start=datetime.fromisoformat(data["live_start"]),
            seeded=bool(data["seeded"]),
        )

    def save(self, path: Path) -> None:
        """Keeps the state for the next start."""
        write_json(
            path,
            {"seed": self.seed, "scenario": self.scenario, "live_start": self.live_start.isoformat(), "seeded": self.seeded},
        )


def span_of_history(live_start: datetime, days: int) -> tuple[datetime, datetime]:
    """From when to when the simulated past runs."""
    return live_start - timedelta(days=days), live_start
