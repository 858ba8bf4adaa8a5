"""Makes a recording: draws, tries what was drawn in coarse steps, draws anew what no network would live with, runs it, reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from domain.errors import ConfigurationError
from domain.series import FloatArray
from simulator.leak_years.chance import LEVELS, Chance
from simulator.leak_years.demands import DemandDays, ExtraDraw, Town, draw_town
from simulator.leak_years.distortions import TruePipes, draw_pipes
from simulator.leak_years.facts import NetworkFacts
from simulator.leak_years.faults import GaugeFault, lay_faults
from simulator.leak_years.gauges import Readings, read_gauges
from simulator.leak_years.hydraulics import TrueNetwork, TrueYears, run_years
from simulator.leak_years.leaks import Leak, draw_leaks
from simulator.leak_years.operation import Operation, customer_leaks, draw_operation
from simulator.leak_years.plan import Places, YearsPlan

Seen = Callable[[str, int, int], None]
"""Takes what is being done, days done, days in all."""
_ATTEMPTS = 12
_TRIAL_STEP_S = 3600
_TRIAL_DAYS = 14
_LOWEST_M, _LOWEST_SHARE = 12.0, 0.5
"""Pressure that every customer has, or a share of the mean of the file's network where that has less [m]."""
_MOST_M = 500.0
"""No pipe bears more on the mean: there a pump's curve ends too early, or the file's units are wrong."""
_EMPTY = 0.003
"""Share of the time for which a tank may be at its least level, more than in the file's network."""
_SLACK = 1.5
"""By how much the recording, with its noise, may be worse than a trial."""


@dataclass(slots=True, kw_only=True, eq=False)
class MadeYears:
    """A recording and all that is true of it."""

    facts: NetworkFacts
    plan: YearsPlan
    places: Places
    chance: Chance
    pipes: TruePipes
    town: Town
    operation: Operation
    leaks: list[Leak]
    customer_leaks: list[ExtraDraw]
    truth: TrueYears
    readings: Readings
    faults: list[GaugeFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Usual:
    """How the file's own network does."""

    mean_m: FloatArray
    least_m: FloatArray
    """Pressure below which no demand node may come, shape (N,)."""
    empty: float


def make_years(
    facts: NetworkFacts, plan: YearsPlan, places: Places, seed: int, *, forced: str | None, faults: bool, seen: Seen
) -> MadeYears:
    """Makes the recording of one seed.

    Args:
        facts: The network as its file says.
        plan: Times and number of leaks.
        places: What is read.
        seed: All chance comes from it.
        forced: A level of ``LEVELS`` for every distortion; each its own without.
        faults: Whether gauges fail.
        seen: Told how far it is.

    Raises:
        ConfigurationError: Nothing sane was drawn: the network does not carry its own demand, or so many leaks.
        HydraulicsError: EPANET gives up.
    """
    usual = _usual(facts, plan, places, seed, seen)
    chance = Chance(seed=seed, forced=forced, attempts={"network": 0, "leaks": 0})
    for _ in range(_ATTEMPTS):
        network, town = _network(facts, plan, places, chance, usual, seen)
        extra = [*network.operation.hydrants, *customer_leaks(facts, plan, chance, list(places.customers))]
        truth = _sane_run(network, plan, places, (town, extra), usual, seed, seen)
        if truth is not None:
            break
        chance.attempts = {**chance.attempts, "leaks": chance.attempts["leaks"] + 1}
    else:
        raise ConfigurationError(
            file=str(facts.file), key="--leaks", value=f"{plan.leaks[0]}-{plan.leaks[1]}",
            expected=f"fewer leaks: with these a zone falls dry in each of {_ATTEMPTS} draws",
        )  # fmt: skip
    readings = read_gauges(truth, plan, places, chance)
    laid = lay_faults(readings.pressure_m, plan, places, chance) if faults else []
    return MadeYears(
        facts=facts, plan=plan, places=places, chance=chance, pipes=network.pipes, town=town, operation=network.operation,
        leaks=list(network.leaks), customer_leaks=[x for x in extra if x.metered], truth=truth, readings=readings, faults=laid,
    )  # fmt: skip


def _sane_run(
    network: TrueNetwork, plan: YearsPlan, places: Places, drawn: tuple[Town, list[ExtraDraw]], usual: _Usual, seed: int, seen: Seen
) -> TrueYears | None:
    """The recording; None where it, or before it a trial in coarse steps, shows what no network lives with."""
    town, extra = drawn
    trial = run_years(
        network, plan, places, DemandDays(network.facts, plan, town, extra, seed, noisy=False),
        every=max(1, _TRIAL_STEP_S // plan.step_s), said=lambda k, of: seen("trying the leaks", k, of),
    )  # fmt: skip
    if not _sane(trial, usual):
        return None
    truth = run_years(
        network, plan, places, DemandDays(network.facts, plan, town, extra, seed), said=lambda k, of: seen("the recording", k, of)
    )
    return truth if _sane(truth, usual, _SLACK) else None


def _usual(facts: NetworkFacts, plan: YearsPlan, places: Places, seed: int, seen: Seen) -> _Usual:
    """The file's own network in its first weeks."""
    chance = Chance(seed=seed, forced=LEVELS[0])
    network = TrueNetwork(
        facts=facts,
        pipes=draw_pipes(facts, chance),
        operation=draw_operation(facts, plan, chance),
        leaks=(),
        mean_m=np.ones(len(facts.nodes)),
    )
    found = _weeks(network, plan, places, draw_town(facts, plan, chance), seed, 0, seen)
    least = np.minimum(_LOWEST_M, _LOWEST_SHARE * found.mean_m[facts.demand_nodes])
    if not np.isfinite(found.mean_m).all() or (found.lowest_m < np.minimum(least, 0.0)).any():
        worst = facts.nodes[facts.demand_nodes[int(np.argmin(found.lowest_m - least))]]
        raise ConfigurationError(
            file=str(facts.file),
            key=worst,
            value=f"{float(found.lowest_m.min()):.1f} m",
            expected="a network that carries its own demand",
        )
    highest = int(np.argmax(found.mean_m[facts.demand_nodes]))
    if (most_m := float(found.mean_m[facts.demand_nodes][highest])) > _MOST_M:
        raise ConfigurationError(
            file=str(facts.file), key=facts.nodes[facts.demand_nodes[highest]], value=f"{most_m:.0f} m",
            expected=f"a network with less than {_MOST_M:.0f} m of pressure: see its pumps' curves and its units",
        )  # fmt: skip
    return _Usual(mean_m=found.mean_m, least_m=np.minimum(least, 0.8 * found.lowest_m), empty=found.empty)


def _weeks(network: TrueNetwork, plan: YearsPlan, places: Places, town: Town, seed: int, first: int, seen: Seen) -> TrueYears:
    days = range(first, min(plan.days, first + _TRIAL_DAYS))
    return run_years(
        network, plan, places, DemandDays(network.facts, plan, town, [], seed),
        every=max(1, _TRIAL_STEP_S // plan.step_s), days=days, said=lambda k, of: seen("trying the network", k, of),
    )  # fmt: skip


def _network(
    facts: NetworkFacts, plan: YearsPlan, places: Places, chance: Chance, usual: _Usual, seen: Seen
) -> tuple[TrueNetwork, Town]:
    """A true network that does without leaks, and its leaks."""
    for _ in range(_ATTEMPTS):
        pipes, town = draw_pipes(facts, chance), draw_town(facts, plan, chance)
        bare = TrueNetwork(facts=facts, pipes=pipes, operation=draw_operation(facts, plan, chance), leaks=(), mean_m=usual.mean_m)
        busiest = int(np.argmax(np.convolve(town.day_factor, np.ones(_TRIAL_DAYS), "valid")[: plan.days - _TRIAL_DAYS + 1]))
        found = _weeks(bare, plan, places, town, chance.seed, busiest, seen)
        if _sane(found, usual):
            avoid = [*pipes.closed, *(facts.links.index(m) for m in places.meters)]
            return replace(bare, leaks=draw_leaks(facts, plan, chance, avoid), mean_m=found.mean_m), town
        chance.attempts = {**chance.attempts, "network": chance.attempts["network"] + 1}
    raise ConfigurationError(
        file=str(facts.file), key="--distortions", value=chance.forced or "drawn",
        expected=f"milder ones: the network does not carry its demand in each of {_ATTEMPTS} draws",
    )  # fmt: skip


def _sane(found: TrueYears, usual: _Usual, slack: float = 1.0) -> bool:
    return bool((found.lowest_m >= usual.least_m / slack).all() and found.empty <= usual.empty + slack * _EMPTY)
