"""The network layer brought up to the end of a past: the copy calibrated, signatures solved, every hour and day stepped through.

The running service and ``khettara leaks replay`` both start here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from app.cores import HERE, Cores
from app.leak_signatures import NetworkSignatures, calibrated_copy
from app.leak_states import operating_states, tank_rises
from app.leaks_progress import Seen, nobody
from domain.series import FloatArray
from leak_detection import robust
from leak_detection.model.bursts import LEAST_GAUGES as HOURLY_GAUGES
from leak_detection.model.hourly import HourNews
from leak_detection.model.ledger_records import Repair
from leak_detection.model.listener import LISTENED_M3H, Listener, RawRows, listen
from leak_detection.model.readings import Plausible, in_words, plausible
from leak_detection.model.residuals import learn_regression
from leak_detection.model.signatures import SignatureSet, with_balance
from leak_detection.model.switched import is_switched
from leak_detection.model.watch import NetworkWatch
from leak_detection.network_past import (
    LEAST_GAUGES,
    LEAST_KNOWN,
    CalibrationError,
    LearnedNetwork,
    NetworkPast,
    known_enough,
    silent,
)
from leak_detection.network_run import WARM_DAYS, NetworkRun
from leak_detection.tank_balance import tank_balance_m3h
from simulator.inp import read_sections

BESIDE = ("app.leak_signatures", "leak_detection.model.listener")
"""What other processes need that share the work."""
_TEACH_EVERY = 3
"""Every so many rows teach the regression: neighbours in time say nearly the same."""
_PIECE_DAYS = 30
"""Listened to at a time."""
_MOST_REST = 0.5
"""Of what flows into a tank's part: with more than this unmetered, its balance says little."""


def learn_network(past: NetworkPast, *, cores: Cores = HERE, seen: Seen = nobody) -> LearnedNetwork:
    """Learns from the days before the opening and steps through all rows.

    Args:
        past: The recording so far.
        cores: To share the work among; what is learnt is the same to the bit, however many there are.
        seen: Is told how far it is.

    Raises:
        CalibrationError: Too few gauges, or no hour of the day with all that is needed, in the days that teach.
        ConfigurationError: A gauge, meter or tank is not in the network.
        HydraulicsError: EPANET does not accept the file or finds no solution.
    """
    teach = past.opening * past.per_day
    past, ranges, odd = _plausible(past)
    at_source = _at_sources(past)
    gauges, drivers = known_enough(past.pressure_m[:teach]) & ~at_source, known_enough(past.drivers[:teach])
    left_out = _left_out(past, gauges, at_source, drivers, odd)
    past = _without(past, gauges, drivers)
    rises = tank_rises(past)
    known = rises.over(past.drivers[:teach])
    pressure, flows = past.pressure_m[:teach:_TEACH_EVERY], known[::_TEACH_EVERY]
    regression = learn_regression(pressure, flows, past.per_day * 7 // _TEACH_EVERY)
    states = operating_states(past, rises)
    if not states:
        raise CalibrationError(
            "no hour of the day in which all gauges and meters are known together: the copy cannot be calibrated"
        )
    # What is listened for is known before how sure it is: another process begins while EPANET goes on.
    with calibrated_copy(past.network, past.gauges, past.meters, past.tanks, states, regression, cores=cores, seen=seen) as copy:
        listener = Listener(
            per_day=past.per_day,
            regression=regression,
            signatures=copy.leaks.at(LISTENED_M3H),
            distance_m=copy.leaks.distance_m,
            rises=rises,
            pressure_range=ranges[0].of(gauges),
            driver_range=ranges[1].of(drivers),
            switched=_switched(past.drivers[:teach:_TEACH_EVERY, : len(past.meters)]),
        )
        heard = cores.chain(listen, listener, _pieces(past))
        found = copy.signatures()
    balance, whole = _balances(past, found)
    place = {pipe: k for k, pipe in enumerate(found.pipes)}
    run = NetworkRun(
        watch=NetworkWatch(listener=listener, gauges=found.signatures, whole=whole),
        opening=past.opening,
        repairs=tuple(Repair(day=day, place=place.get(pipe)) for day, pipe in past.repairs),
    )
    for news in chain.from_iterable(heard.results):
        if isinstance(news, HourNews):
            run.heard(news)
        else:
            run.closed(news, balance[run.days])
            seen(f"day {run.days} of {past.days}", run.days, past.days)
    run.watch.listener = heard.state
    run.watch.listener.share(found.signatures.distance_m)
    return LearnedNetwork(
        run=run, pipes=found.pipes, gauges=gauges, drivers=drivers, misfit=found.misfit, doubts=left_out + found.doubts,
        valves=found.valves,
    )  # fmt: skip


def _left_out(
    past: NetworkPast, gauges: NDArray[np.bool_], at_source: NDArray[np.bool_], drivers: NDArray[np.bool_], odd: Sequence[str]
) -> tuple[str, ...]:
    """What is not used of the past and what that costs, in words.

    Args:
        past: With all that was read.
        gauges: Which are used, shape (G,).
        at_source: Which stand at a reservoir or tank, shape (G,).
        drivers: Which meters and tanks are used, shape (D,).
        odd: Readings that are not, in words.
    """
    unread = tuple(
        f"{name} is left out: fewer than {LEAST_KNOWN:.0%} of its samples came in the days that teach"
        for name in (*silent(past.gauges, gauges | at_source), *silent((*past.meters, *past.tanks), drivers))
    )
    unmoved = tuple(
        f"gauge {name} is left out: it stands at a source or tank of the network file, where no leak moves it"
        for name in _chosen(past.gauges, at_source)
    )
    few: tuple[str, ...] = ()
    if gauges.sum() < HOURLY_GAUGES:
        few = (f"{int(gauges.sum())} gauges: with fewer than {HOURLY_GAUGES} bursts are told by the day, not by the hour",)
    return (*unread, *odd, *unmoved, *few)


def _plausible(past: NetworkPast) -> tuple[NetworkPast, tuple[Plausible, Plausible], tuple[str, ...]]:
    """The past without readings that cannot be, what gauges and drivers may read, and what was taken out, in words."""
    teach = past.opening * past.per_day
    pressure = plausible(past.pressure_m[:teach], pressures=True)
    drivers = plausible(past.drivers[:teach], pressures=False)
    words = in_words(tuple(f"gauge {name}" for name in past.gauges), past.pressure_m, pressure)
    words += in_words((*(f"meter {n}" for n in past.meters), *(f"level of {n}" for n in past.tanks)), past.drivers, drivers)
    clean = replace(past, pressure_m=pressure.only(past.pressure_m), drivers=drivers.only(past.drivers))
    return clean, (pressure, drivers), words


def _switched(flows_m3h: FloatArray) -> NDArray[np.bool_] | None:
    """Which meters' flows the utility switches, shape (meters,); None where none is."""
    switched = is_switched(flows_m3h)
    return switched if switched.any() else None


def _at_sources(past: NetworkPast) -> NDArray[np.bool_]:
    """Gauges at a reservoir or tank, shape (G,)."""
    sections = read_sections(past.network.read_text(encoding="utf-8", errors="replace"))
    fixed = {row.words[0] for kind in ("RESERVOIRS", "TANKS") for row in sections.get(kind, ())}
    return np.array([name in fixed for name in past.gauges], dtype=bool)


def _pieces(past: NetworkPast) -> Iterator[RawRows]:
    """All rows, some days at a time."""
    size = past.per_day * _PIECE_DAYS
    for first in range(0, len(past.pressure_m), size):
        yield RawRows(
            pressure_m=past.pressure_m[first : first + size],
            drivers=past.drivers[first : first + size],
            seek_from_day=past.opening - WARM_DAYS,
        )


def _without(past: NetworkPast, gauges: np.ndarray, drivers: np.ndarray) -> NetworkPast:
    """The past without what was hardly ever read."""
    if gauges.sum() < LEAST_GAUGES:
        quiet = ", ".join(silent(past.gauges, gauges)[:8])
        raise CalibrationError(
            f"{int(gauges.sum())} of {len(gauges)} gauges were read in the days that teach"
            f"{f' (silent: {quiet})' if quiet else ''}; at least {LEAST_GAUGES} are needed to tell where water is lost"
        )
    count = len(past.meters)
    if not drivers[:count].any():
        raise CalibrationError(
            f"no flow meter was read in the days that teach (silent: {', '.join(past.meters[:8])}); at least one is needed"
        )
    return replace(
        past,
        gauges=_chosen(past.gauges, gauges),
        meters=_chosen(past.meters, drivers[:count]),
        tanks=_chosen(past.tanks, drivers[count:]),
        pressure_m=past.pressure_m[:, gauges],
        drivers=past.drivers[:, drivers],
    )


def _chosen(names: tuple[str, ...], kept: np.ndarray) -> tuple[str, ...]:
    return tuple(name for name, keep in zip(names, kept, strict=True) if keep)


def _balances(past: NetworkPast, found: NetworkSignatures) -> tuple[FloatArray, SignatureSet]:
    """Balance by day of the part behind a tank, where its customers are metered, and the signatures with it; else no column."""
    days, signatures = past.days, found.signatures
    if past.customers_m3h is None or len(found.behind_tank) != 1 or len(past.tanks) != 1:
        return np.empty((days, 0)), signatures
    (pump, inside), area = found.behind_tank[0], found.tank_area_m2[0]
    drivers = past.drivers[: days * past.per_day].reshape(days, past.per_day, -1)
    inflow, level = drivers[:, :, pump], drivers[:, :, len(past.meters)]
    balance = tank_balance_m3h(inflow, level, past.customers_m3h[:days], area)
    if not robust.scalar_median(np.abs(balance)) < _MOST_REST * robust.scalar_median(robust.mean(inflow, axis=1)):
        return np.empty((days, 0)), signatures
    return balance[:, None], with_balance(signatures, inside)
