"""``khettara leaks make-network-set``: a labelled recording of a network with hydraulics, from a network file and a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from app.leak_output import check_folder, whole_folder
from app.leaks_progress import shown_progress
from domain.errors import ConfigurationError
from simulator.leak_years.chance import LEVELS, Chance
from simulator.leak_years.facts import NetworkFacts, read_facts
from simulator.leak_years.leaks import number_of, open_in_second
from simulator.leak_years.make import MadeYears, make_years
from simulator.leak_years.places import choose_places
from simulator.leak_years.plan import Places, YearsPlan
from simulator.leak_years.write import FAULTS, write_years


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for besides the plan."""

    network: Path
    seed: int
    gauges: str = ""
    """Names with commas between."""
    gauge_count: int = 33
    meters: str = ""
    customer_share: float = 0.1
    like: Path | None = None
    """A set whose gauges, meters, tanks and customers' meters are taken."""
    distortions: str = "drawn"
    faults: bool = False


def leaks_range(text: str) -> tuple[int, int]:
    """The two numbers of ``24-34``.

    Raises:
        ConfigurationError: They are none.
    """
    low, _, high = text.partition("-")
    try:
        return int(low), int(high or low)
    except ValueError:
        raise ConfigurationError(file="--leaks", key="from-to", value=text, expected="two numbers such as 24-34") from None


def make_network_set(wish: Wish, plan: YearsPlan, out: Path, errors: Console) -> MadeYears:
    """Makes and writes a set.

    Raises:
        ConfigurationError: An option or the network says what cannot be, or the disk does not take the set.
        HydraulicsError: EPANET does not accept the network.
    """
    if wish.distortions not in (*LEVELS, "drawn"):
        raise ConfigurationError(file="--distortions", key="level", value=wish.distortions, expected=f"drawn, {', '.join(LEVELS)}")
    check_folder(out, "--out")
    facts = read_facts(wish.network)
    places = _places(facts, wish)
    forced = None if wish.distortions == "drawn" else wish.distortions
    with shown_progress(errors, at_once=True) as seen:
        made = make_years(facts, plan, places, wish.seed, forced=forced, faults=wish.faults, seen=seen)
    with whole_folder(out, gone=(FAULTS,)) as part:
        write_years(made, part)
    return made


def _places(facts: NetworkFacts, wish: Wish) -> Places:
    like = _names(wish.like) if wish.like else {}
    return choose_places(
        facts, Chance(seed=wish.seed), gauges=_listed(wish.gauges) or like.get("pressure", ()), gauge_count=wish.gauge_count,
        meters=_listed(wish.meters) or like.get("flow", ()), tanks=like.get("level", ()), customers=like.get("amr", ()),
        customer_share=wish.customer_share,
    )  # fmt: skip


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _names(folder: Path) -> dict[str, Sequence[str]]:
    """Names of a set's columns by kind, of its first file."""
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise ConfigurationError(file=str(folder), key="--like", value="no .npz file", expected="the folder of a network set")
    with np.load(files[0]) as arrays:
        return {k: tuple(str(n) for n in arrays[f"{k}_id"]) for k in ("pressure", "flow", "level", "amr") if f"{k}_id" in arrays}


def told(made: MadeYears, out: Path) -> str:
    """What was made, in one line."""
    anew = sum(made.chance.attempts.values())
    lowest, least = float(made.truth.lowest_m.min()), number_of(made.plan.leaks[0], made.plan)
    fewer = f"; the network holds no more leaks ({least} or more were asked for)" if len(made.leaks) < least else ""
    return (
        f"{len(made.leaks)} leaks, {len(open_in_second(made.leaks, made.plan))} of them open in the part that is judged, "
        f"{len(made.customer_leaks)} customer leaks, {len(made.faults)} gauge faults in {out}; lowest pressure {lowest:.1f} m, "
        f"mean inflow {float(made.truth.balance_m3h[:, 0].mean()):.1f} m3/h"
        + (f"; drawn anew {anew} times" if anew else "")
        + fewer
    )
