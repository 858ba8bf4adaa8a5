"""A site's network file before any reading comes: whether EPANET takes it, and what of it keeps leaks from being placed well."""

from __future__ import annotations

from app.leak_network import NetworkCopy
from app.leak_signature_doubts import cut_off, of_file
from leak_detection.network_leaks import NetworkPoints
from simulator.toolkit import HydraulicsError


def check_network(points: NetworkPoints) -> tuple[str, ...]:
    """Opens the file as the network layer will after its first weeks, and solves it once at its mean demand.

    Returns:
        What a person should see to, in words.

    Raises:
        ConfigurationError: A point is not in the network, or a row, a unit or the demands of the file are not right.
        HydraulicsError: EPANET does not accept the file, finds no solution, or no water gets to a gauge.
    """
    gauges = tuple(points.gauges.values())
    with NetworkCopy(points.network, gauges, tuple(points.meters.values()), tuple(points.tanks.values())) as copy:
        file = copy.file
        demand = (file.demand * file.factors.mean(axis=1)[:, None]).sum(axis=0)
        for node in file.junctions:
            copy.net.set_demand(int(node), float(demand[node]))
        copy.net.solve()
        if words := cut_off(gauges, copy.pressures()):
            drawn = float(demand[file.junctions].sum())
            raise HydraulicsError(f"{copy.name} at its mean demand of {drawn:.1f} m³/h: {words}")
        return tuple(of_file(file, gauges))
