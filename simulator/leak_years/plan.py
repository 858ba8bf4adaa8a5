"""What is to be made: how long, in what steps, how many leaks, and what is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import ConfigurationError

DAY_S = 86400
_SPLIT = datetime.fromisoformat("2019-01-01 00:00")
"""Where the part begins that is judged: files are named by the year, so every length has two."""
_LEAST_DAYS, _MOST_DAYS = 60, 730


@dataclass(frozen=True, slots=True, kw_only=True)
class YearsPlan:
    """Length, steps and size of a recording.

    Raises:
        ConfigurationError: A length, step or number of leaks that cannot be.
    """

    days: int = _MOST_DAYS
    step_s: int = 300
    leaks: tuple[int, int] = (24, 34)
    """Least and most number over two years; fewer in proportion over a shorter time."""
    leak_m3h: float | None = None
    """Middle of the largest flows of the leaks [m³/h]; None draws 3 to 8 for a usual network."""
    old_leaks: bool = True
    """Whether some leaks are older than the recording: no change shows them."""

    def __post_init__(self) -> None:
        if not _LEAST_DAYS <= self.days <= _MOST_DAYS:
            raise ConfigurationError(file="--days", key="days", value=self.days, expected=f"{_LEAST_DAYS} to {_MOST_DAYS}")
        if self.step_s not in (60, 300, 600, 900, 1800, 3600):
            raise ConfigurationError(
                file="--step", key="seconds", value=self.step_s, expected="60, 300, 600, 900, 1800 or 3600 (300 as a rule)"
            )
        if not 1 <= self.leaks[0] <= self.leaks[1]:
            raise ConfigurationError(
                file="--leaks", key="from-to", value=f"{self.leaks[0]}-{self.leaks[1]}", expected="two numbers such as 24-34"
            )
        if self.leak_m3h is not None and not 0 < self.leak_m3h < float("inf"):
            raise ConfigurationError(
                file="--leak-m3h", key="middle flow", value=self.leak_m3h, expected="more than 0 m³/h, such as 10"
            )

    @property
    def start(self) -> datetime:
        """Local time of the first row."""
        return _SPLIT - timedelta(days=self.split_day)

    @property
    def split_day(self) -> int:
        """Days that teach."""
        return self.days // 2

    @property
    def per_day(self) -> int:
        """Rows of a day."""
        return DAY_S // self.step_s

    @property
    def rows(self) -> int:
        """Rows of the recording."""
        return self.days * self.per_day

    @property
    def split_row(self) -> int:
        """First row that is judged."""
        return self.split_day * self.per_day

    def moment(self, row: int) -> datetime:
        """Local time of a row, also of one before the recording."""
        return self.start + timedelta(seconds=row * self.step_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What is read where, by names of the network."""

    gauges: Sequence[str]
    meters: Sequence[str]
    tanks: Sequence[str]
    customers: Sequence[str]
    """Nodes whose use is read by customers' meters every hour."""
