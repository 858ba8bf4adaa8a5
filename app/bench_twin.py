"""The model twin in front of the closed-loop benchmark: each network's published file becomes the zones' copies.

    python ../shared/tools/pressure_bench.py --net ltown --controller app.bench_twin:make

The copies know the file alone: no leakage, no noise, no pattern that the benchmark adds, and none of its true heads.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from app.twin_network import Network, read_network
from app.twin_zone import EpanetZone, Feed
from domain.errors import ConfigurationError
from domain.points import PointKey
from pressure_control.bench import Controller, Setpoints
from pressure_control.bench_rows import BenchObs
from pressure_control.bench_site import BENCH_SETTINGS, SPARING_SETTINGS, BenchInfo, settings_for
from pressure_control.settings import ControlSettings
from pressure_control.twin.zone_twin import ZoneTwin

_FILES = {"ltown": "L-TOWN.inp", "ky12": "asce-tf-wdst/ky12.inp", "klvsd": "asce-tf-wdst/KL.inp"}
_STATIONS = {"klvsd": {"PS-1": "1"}}
"""Pumping stations that the benchmark puts in the place of a reservoir: valve, reservoir."""
_PSI = ("ky12", "klvsd")
"""Written in gallons: the benchmark reads them in m³/h, but EPANET goes on giving their pressures in psi."""
TWIN_SETTINGS = replace(BENCH_SETTINGS, quantile=0.95, dead_band_up_m=0.15)
"""Once twin and learner agree, room goes by what is at risk (``pressure_control.twin.risk``)."""
_WRONG_SEED, _TOO_ROUGH, _ROUGHNESS_SD, _HEIGHT_SD_M, _DEMAND_SD = 1, 0.2, 0.15, 0.5, 0.3
_M_PER_PSI = 1.0 / (0.4333 * 3.28084)


class TwinInfo(BenchInfo, Protocol):
    """The benchmark's description, with the name of its network."""

    net: str


def zone_models(info: TwinInfo, network: Network) -> dict[str, EpanetZone]:
    """A copy of each zone, by its name."""
    stations = _STATIONS.get(info.net, {})
    models = {}
    for zone, one in info.zones.items():
        models[zone] = EpanetZone(
            network,
            [_feed(network, v, stations) for v in one["valves"]],
            critical={PointKey(s): s for s in one["sensors"]},
            inlets=_inlets(network, zone, info),
            safe_m=[info.valves[v]["default"] for v in one["valves"]],
            min_pressure_m=info.p_min,
            unit_m=_M_PER_PSI if info.net in _PSI else 1.0,
        )
    return models


def network_file(net: str) -> Path:
    """The published file of one of the benchmark's networks.

    Raises:
        ConfigurationError: The package that brings it is not installed.
    """
    spec = importlib.util.find_spec("epyt")
    if spec is None or spec.origin is None or net not in _FILES:
        raise ConfigurationError(file="epyt", key="network", value=net, expected="the package epyt, and " + ", ".join(_FILES))
    return Path(spec.origin).parent / "networks" / _FILES[net]


def _feed(network: Network, valve: str, stations: Mapping[str, str]) -> Feed:
    if valve not in stations:
        return Feed(valve=valve, node=network.nodes[network.link(valve).end])
    # The station's gauge stands as low as the lowest customer.
    lowest = min(z for z, ok in zip(network.elevation_m, network.is_junction, strict=True) if ok)
    return Feed(valve=valve, node=stations[valve], elevation_m=float(lowest))


def _inlets(network: Network, zone: str, info: TwinInfo) -> dict[PointKey, str]:
    """Nodes of the inlets of valves that this zone feeds."""
    starts = {v: network.link(v).start for v, one in info.valves.items() if zone in info.zones[one["zone"]]["parent"]}
    area: set[int] = network.area(network.link(info.zones[zone]["valves"][0]).end) if starts else set()
    return {PointKey(f"{v}.inlet"): network.nodes[n] for v, n in starts.items() if n in area}


def make(info: TwinInfo) -> Callable[[BenchObs], Setpoints]:
    """The controller with the law ``model_twin``."""
    return Controller(info, law="model_twin", settings=twin_settings(info), twins=_twins(info))


def make_sparing(info: TwinInfo) -> Callable[[BenchObs], Setpoints]:
    """The same for a pumping station that may move 48 times a day, by up to 2 m either way."""
    return Controller(info, law="model_twin", settings=SPARING_SETTINGS, ramp_down_m=2.0, twins=_twins(info))


def make_wrong(info: TwinInfo) -> Callable[[BenchObs], Setpoints]:
    """The twin with copies that are wrong as an old file is: pipes, heights and demand all off."""
    return Controller(info, law="model_twin", settings=twin_settings(info), twins=_twins(info, wrong=True))


def spoilt(network: Network) -> Network:
    """The network with pipes 20 % too rough give or take 15, heights off by 0.5 m, demand by 30 % (standard deviations)."""
    rng = np.random.default_rng(_WRONG_SEED)
    rough = rng.normal(1.0 - _TOO_ROUGH, _ROUGHNESS_SD, len(network.links)).clip(0.4, 1.5)
    share = rng.normal(1.0, _DEMAND_SD, len(network.nodes)).clip(0.2, 2.0)
    return replace(
        network,
        links=tuple(replace(v, roughness=v.roughness * float(r)) for v, r in zip(network.links, rough, strict=True)),
        elevation_m=network.elevation_m + rng.normal(0.0, _HEIGHT_SD_M, len(network.nodes)),
        demand_m3h=tuple(
            tuple((p, q * float(s)) for p, q in categories) for categories, s in zip(network.demand_m3h, share, strict=True)
        ),
    )


def twin_settings(info: BenchInfo) -> ControlSettings | None:
    """The learner's settings; narrower where the learner's are those for valves that move every few minutes, None where not."""
    return TWIN_SETTINGS if settings_for(info) is BENCH_SETTINGS else None


def _twins(info: TwinInfo, *, wrong: bool = False) -> dict[str, ZoneTwin]:
    network = read_network(network_file(info.net))
    models = zone_models(info, spoilt(network) if wrong else network)
    return {zone: ZoneTwin(model, tuple(info.zones[zone]["valves"])) for zone, model in models.items()}
