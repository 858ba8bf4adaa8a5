"""What leaks do to gauges and meters, for ``leak_detection.model``: from a network file that was made to agree with the gauges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.cores import HERE, Cores
from app.leak_network import NetworkCopy
from app.leak_network_state import OperatingState, Unknowns
from app.leak_signature_changes import changes, pipe_ends, spread
from app.leak_signature_demand import weights
from app.leak_signature_doubts import cut_off, doubts
from app.leak_signature_fit import calibrate
from app.leak_signature_unknowns import as_filed, middle_of
from app.leak_valves_wander import bends_of, of_settings
from app.leaks_progress import Seen, nobody
from domain.series import FloatArray
from leak_detection.model.places import distances
from leak_detection.model.residuals import FlowRegression
from leak_detection.model.signatures import SignatureSet, between_sizes
from leak_detection.network_valves import PressureValve
from simulator.toolkit import HydraulicsError

_SIZES_M3H = (1.0, 10.0, 25.0)
_USUAL_INFLOW_M3H = 600.0
"""With more the leaks that are solved are larger, too."""
_KEPT = 16
"""Draws that say how sure a signature is."""
_SEED = 1
"""Of the draws: a file and its gauges always make the same signatures."""
_LEAST_SETTLED = 0.3
_ROUGH = 0.001
"""Of all flow; so much a state that settled may still change."""
_HIDDEN = 0.04
"""Of what a leak in the middle pipe does to the gauge that shows it most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NetworkSignatures:
    """Signatures with the names of their places."""

    pipes: tuple[str, ...]
    signatures: SignatureSet
    behind_tank: tuple[tuple[int, np.ndarray], ...]
    """For each meter of a pump that fills a tank: its place among the meters, and which pipes lie behind that tank."""
    tank_area_m2: tuple[float, ...]
    misfit: tuple[float, float]
    """Root mean square of measured less predicted, over the error of a measurement, before and after."""
    doubts: tuple[str, ...] = ()
    """Where file and gauges do not agree, in words."""
    valves: tuple[PressureValve, ...] = ()
    """In the order of ``SignatureSet.wander_m``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolvedLeaks:
    """What leaks do, known before how sure that is."""

    sizes_m3h: FloatArray
    """Leak flows, shape (S,)."""
    change_m: FloatArray
    """Change of the residual per m³/h, shape (S, P, G)."""
    distance_m: FloatArray
    """Between places along the pipes, shape (P, P)."""

    def at(self, flow_m3h: float) -> FloatArray:
        """Change per m³/h for leaks of a flow, shape (P, G)."""
        return between_sizes(self.sizes_m3h, self.change_m, flow_m3h)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibratedCopy:
    """A copy that agrees with its gauges, open in EPANET, with its leaks solved."""

    leaks: SolvedLeaks
    copy: NetworkCopy
    states: Sequence[OperatingState]
    """Those that settle."""
    regression: FlowRegression
    draws: FloatArray
    """Of the unknowns, after the measurements, shape (M, K)."""
    misfit: tuple[float, float]
    """As in ``NetworkSignatures``, as the next."""
    doubts: tuple[str, ...]

    def signatures(self) -> NetworkSignatures:
        """The leaks with how sure they are; asked for once, while the copy is open.

        Raises:
            HydraulicsError: EPANET finds no solution.
        """
        copy, leaks, file = self.copy, self.leaks, self.copy.file
        first_ends, middle = pipe_ends(file)[:, 0], middle_of(file, self.draws, len(self.states))
        return NetworkSignatures(
            pipes=file.names,
            signatures=SignatureSet(
                sizes_m3h=leaks.sizes_m3h,
                change_m=leaks.change_m,
                spread_m=spread(copy, self.states, self.draws[:_KEPT], self.regression),
                distance_m=leaks.distance_m,
                metered=np.zeros(len(file.pipes), dtype=bool),
                wander_m=of_settings(copy, self.states, middle, self.regression),
            ),
            behind_tank=tuple((k, file.behind[tank][first_ends]) for k, tank in file.filled.items()),
            tank_area_m2=tuple(file.tank_area_m2.get(tank, 0.0) for tank in file.filled.values()),
            misfit=self.misfit,
            doubts=self.doubts,
            valves=self._valves(middle),
        )

    def _valves(self, unknowns: Unknowns) -> tuple[PressureValve, ...]:
        bends = bends_of(self.copy, self.states, unknowns, self.regression)
        names = [self.copy.net.links[link] for link, _ in self.copy.file.valves]
        return tuple(PressureValve(name=name, bend=float(bend)) for name, bend in zip(names, bends, strict=True))


@contextmanager
def calibrated_copy(
    network: Path,
    gauges: tuple[str, ...],
    meters: tuple[str, ...],
    tanks: tuple[str, ...],
    states: Sequence[OperatingState],
    regression: FlowRegression,
    *,
    cores: Cores = HERE,
    seen: Seen = nobody,
) -> Iterator[CalibratedCopy]:
    """Calibrates the network and solves it with a leak of each size at each junction.

    Args:
        network: EPANET file.
        gauges: Nodes with a gauge.
        meters: Links with a meter.
        tanks: Tanks whose levels follow the flows in the drivers.
        states: What was measured, by hour of the day.
        regression: Of the gauges on the drivers; what it takes for demand is taken off the signatures.
        cores: For what can be done beside EPANET.
        seen: Is told how far it is.

    Raises:
        ConfigurationError: A gauge, meter or tank is not in the network.
        HydraulicsError: EPANET does not accept the file or finds no solution.
    """
    with NetworkCopy(network, gauges, meters, tanks) as copy:
        copy.feed(states)
        level, settled, rough = _check(copy, gauges, states)
        states = [state for state, good in zip(states, settled, strict=True) if good]
    with NetworkCopy(network, gauges, meters, tanks) as copy:
        file = copy.file
        distance = cores.map(_distances, [(file.ends[file.pipes], file.length_m)])
        copy.feed(states)
        draws, misfit, used = calibrate(copy, states, np.random.default_rng(_SEED), seen)
        sizes = np.array(_SIZES_M3H) * max(1.0, copy.metered.usual_m3h / _USUAL_INFLOW_M3H)
        change = changes(copy, states, middle_of(file, draws, len(states)), regression, sizes, seen)
        change[:, _hidden(change)] = 0.0
        yield CalibratedCopy(
            leaks=SolvedLeaks(sizes_m3h=sizes, change_m=change, distance_m=next(distance)),
            copy=copy,
            states=states,
            regression=regression,
            draws=draws,
            misfit=misfit,
            doubts=rough + doubts(copy, gauges, states, level, misfit, used),
        )


def _distances(pipes: tuple[np.ndarray, FloatArray]) -> FloatArray:
    """Of the ends and lengths of pipes."""
    return distances(*pipes)


def _hidden(change_m: FloatArray) -> NDArray[np.bool_]:
    """Pipes whose leaks move no gauge to speak of, such as those between a source and its meter, shape (P,).

    Whatever small change is left over would be a leak there, of any flow.
    """
    seen = np.abs(change_m[-1]).max(axis=1)
    return np.asarray(seen < _HIDDEN * np.median(seen))


def _check(
    copy: NetworkCopy, gauges: tuple[str, ...], states: Sequence[OperatingState]
) -> tuple[FloatArray, list[bool], tuple[str, ...]]:
    """Solves each state as the file has it.

    Returns:
        Mean pressure of the gauges [m], shape (G,), over the states that settle; which do; and what is wrong with the others, or
        with a balance that is hardly one, in words.

    Raises:
        HydraulicsError: A state has no solution, or hardly any settles; a gauge is cut off from every source.
    """
    nothing = as_filed(copy.file, len(states))
    pressures, errors, settled = [], [], []
    for number, state in enumerate(states):
        try:
            copy.load(state, number, nothing)
            errors.append(copy.check(state))
        except HydraulicsError as error:
            raise HydraulicsError(f"{copy.name} at {state.hour}:00: {error}") from error
        pressures.append(copy.pressures())
        if words := cut_off(gauges, pressures[-1]):
            drawn = float((copy.file.demand * copy.file.factors[:, state.hour, None]).sum())
            inflow = copy.metered.inflow(state.drivers)
            flows = f"{inflow:.1f} m³/h are metered in that hour, the file's demands are {drawn:.1f} m³/h"
            raise HydraulicsError(f"{copy.name} at {state.hour}:00: {words}, or meters and file have other units ({flows})")
        settled.append(copy.settled())
    weight, hours = weights(states), sorted({s.hour for s, good in zip(states, settled, strict=True) if not good})
    at = ", ".join(f"{hour}:00" for hour in hours)
    share = float(weight[settled].sum())
    if share < _LEAST_SETTLED:
        raise HydraulicsError(
            f"{copy.name} settles in {share:.0%} of its states, {_LEAST_SETTLED:.0%} at least are needed; at {at} EPANET goes "
            "round in a circle, most often of pumps and check valves that open and close by turns: see whether pumps and closed "
            "pipes of the file are right, and the steps of the meters short enough to see which pumps run together"
        )
    said = [f"the network does not settle at {at}: pumps or check valves open and close by turns; these hours are left out"]
    if max(errors) > _ROUGH:
        worst = int(np.argmax(errors))
        said.append(
            f"the network hardly balances at {states[worst].hour}:00 (flows still change by {errors[worst]:.1g} of their sum, "
            f"{_ROUGH} at most are usual): what leaks do to the gauges is not known well"
        )
    level = weight[settled] @ np.array(pressures)[settled] / share
    return np.asarray(level), settled, tuple(said if hours else said[1:])
