"""What one cubic metre an hour of leak does to every gauge and meter, from a network file, for ``leak_detection.model``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.errors import ConfigurationError
from domain.series import FloatArray
from leak_detection.model.places import distances
from simulator.inp import Row, read_sections
from simulator.toolkit import Epanet

_LEAK_M3H = 6.0
_STATES = (0.6, 1.0, 1.4)
"""Demand over its mean at which the network is solved; signatures are averaged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signatures:
    """Per pipe: middle of what a leak at either end does."""

    pipes: tuple[str, ...]
    pressure_m: FloatArray
    """Change per m³/h, shape (P, gauges)."""
    flow_m3h: FloatArray
    """Change per m³/h, shape (P, meters)."""
    distance_m: FloatArray
    """Between the middles of pipes, shape (P, P)."""


def make_signatures(network: Path, gauges: tuple[str, ...], meters: tuple[str, ...]) -> Signatures:
    """Solves the network once for each junction and demand state.

    A leak in an area that a tank feeds is drawn, over days, through the pump that fills it: its part that no inlet
    shows is added at the pump's suction side.

    Raises:
        ConfigurationError: A gauge or meter is not in the network.
        HydraulicsError: EPANET finds no solution.
    """
    sections = read_sections(network.read_text(errors="replace"))
    pipes = sections["PIPES"]
    with Epanet(network) as net:
        node = {n: i for i, n in enumerate(net.nodes)}
        link = {n: i for i, n in enumerate(net.links)}
        for name, known in ((gauges, node), (meters, link)):
            for missing in set(name) - set(known):
                raise ConfigurationError(file=network.name, key="gauge or meter", value=missing, expected="a name of the network")
        junctions = [r.words[0] for r in sections["JUNCTIONS"]]
        rows = [node[j] for j in junctions]
        pressure, flow = _responses(net, sections["PATTERNS"], rows, [node[g] for g in gauges], [link[m] for m in meters])
    index = {j: k for k, j in enumerate(junctions)}
    pumps = {r.words[0]: r.words[1] for r in sections.get("PUMPS", ())}
    _through_pumps(pressure, flow, meters, {p: index[n] for p, n in pumps.items() if n in index})
    place = np.array([[index.get(w, -1) for w in r.words[1:3]] for r in pipes])
    # A pipe that ends at a source or tank takes the signature of its other end.
    ends = np.where(place < 0, place[:, ::-1], place)
    number = {n: k for k, n in enumerate(net.nodes)}
    pairs = np.array([[number[w] for w in r.words[1:3]] for r in pipes])
    return Signatures(
        pipes=tuple(r.words[0] for r in pipes),
        pressure_m=pressure[ends].mean(axis=1),
        flow_m3h=flow[ends].mean(axis=1),
        distance_m=distances(pairs, np.array([float(r.words[3]) for r in pipes])),
    )


def _responses(
    net: Epanet, patterns: tuple[Row, ...], places: list[int], gauges: list[int], meters: list[int]
) -> tuple[FloatArray, FloatArray]:
    """Change of gauges and meters per m³/h of leak at each place."""
    factors: dict[str, list[float]] = {}
    for row in patterns:
        factors.setdefault(row.words[0], []).extend(float(w) for w in row.words[1:])
    numbers = {name: (net.pattern(name), float(np.mean(values))) for name, values in factors.items()}
    pressure, flow = np.zeros((len(places), len(gauges))), np.zeros((len(places), len(meters)))
    for state in _STATES:
        for number, mean in numbers.values():
            net.set_multiplier(number, mean * state)
        net.solve()
        p0, q0 = net.pressures(), net.flows()
        for k, place in enumerate(places):
            head = max(float(p0[place]), 1.0)
            coefficient = _LEAK_M3H / head**0.5
            net.set_emitter(place, coefficient)
            net.solve()
            p, q = net.pressures(), net.flows()
            net.set_emitter(place, 0.0)
            leak = coefficient * max(float(p[place]), 0.1) ** 0.5 * len(_STATES)
            pressure[k] += (p - p0)[gauges] / leak
            flow[k] += (q - q0)[meters] / leak
    return pressure, flow


def _through_pumps(pressure: FloatArray, flow: FloatArray, meters: tuple[str, ...], suction: dict[str, int]) -> None:
    """Adds, in place, what a tank's leak draws through its pump."""
    pumps = [k for k, m in enumerate(meters) if m in suction]
    inlets = [k for k, m in enumerate(meters) if m not in suction]
    if len(pumps) != 1 or not inlets:
        return
    at = suction[meters[pumps[0]]]
    missing = np.clip(1.0 - flow[:, inlets].sum(axis=1), 0.0, 1.0)
    missing[missing < 0.2] = 0.0
    pressure += missing[:, None] * pressure[at].copy()
    flow[:, inlets] += missing[:, None] * flow[at, inlets].copy()
    flow[:, pumps[0]] += missing
