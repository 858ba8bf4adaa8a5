"""Where a network file and what was measured do not agree, in words for who may set it right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.leak_network import NetworkCopy
from app.leak_network_file import NetworkFile
from app.leak_network_state import OperatingState
from app.leak_signature_demand import weights
from domain.series import FloatArray

POOR_MISFIT = 5.0
"""Of pressures from the calibrated file, over the error of a measurement."""
_FAR_M = 15.0
"""Of a gauge's mean pressure from the file's: more is no matter of roughness or demand."""
_MOST_FAR = 0.5
"""Share of the gauges: with more of them so far off it is the file."""
_OTHER_DEMAND = 3.0
"""Inflow over the file's demand, or the other way: beyond this it is no matter of years and seasons."""
_UNMETERED = 0.05
"""Share of the demand that nobody meters: more is said."""
_CUT_OFF_M = -1e5
"""Below that pressure EPANET says that no water gets to a node."""
_OFF_LEVEL_M, _STILL_M = 0.1, 1e-6
_LIKE_UNIT = 0.06
_OTHER_UNITS = {"psi": 1.422, "kPa": 9.807, "bar": 0.0981}
"""What a metre of water is in them."""


def of_file(file: NetworkFile, gauges: tuple[str, ...]) -> list[str]:
    """What a network file and the choice of its gauges and meters keep from being known, whatever is measured."""
    said = [
        f"gauge {gauges[k]} stands at a source or tank of the network file, where no leak moves it"
        for k, node in enumerate(file.gauges)
        if node in file.fixed
    ]
    if not file.inlets:
        said.append(
            "no metered inlet: the meters do not lie between the sources and the network, so demands are as the file has them"
        )
    drawn = (file.demand * file.factors.mean(axis=1)[:, None]).sum(axis=0)
    unmetered = ~file.metered & (drawn > 0)
    for nodes in file.behind.values():
        unmetered &= ~nodes
    if file.inlets and (share := float(drawn[unmetered].sum() / drawn[drawn > 0].sum())) > _UNMETERED:
        said.append(
            f"{share:.0%} of the demand, at {int(unmetered.sum())} nodes, is drawn before the meters or from a source without one: "
            "there demands are as the file has them"
        )
    if file.unread_tanks:
        said.append(f"level of {', '.join(file.unread_tanks)} not measured: what it takes and gives in an hour is not known")
    return said


def cut_off(gauges: tuple[str, ...], pressure_m: FloatArray) -> str:
    """Which gauges no water gets to, in words; empty if it gets to all.

    Args:
        gauges: Nodes.
        pressure_m: In a solved state, shape (G,).
    """
    dry = [gauges[k] for k in np.flatnonzero(~(pressure_m >= _CUT_OFF_M))]
    if not dry:
        return ""
    return (
        f"no water gets to {', '.join(dry[:5])}{' …' if len(dry) > 5 else ''} ({len(dry)} of {len(gauges)} gauges): closed pipes, "
        "valves or pumps of the file cut them off from every source"
    )


def doubts(
    copy: NetworkCopy,
    gauges: tuple[str, ...],
    states: Sequence[OperatingState],
    level_m: FloatArray,
    misfit: tuple[float, float],
    used: float,
) -> tuple[str, ...]:
    """What a person should see to before trusting the places.

    Args:
        copy: Of the network, calibrated.
        gauges: Nodes with a gauge.
        states: What was measured.
        level_m: Mean pressure of the gauges in the file as it is, shape (G,).
        misfit: Over the error of a measurement, before and after the calibration.
        used: Share of the measurements that it used.
    """
    file, said = copy.file, of_file(copy.file, gauges)
    measured = weights(states) @ np.array([s.pressure_m for s in states])
    off = measured - level_m
    said += _far_off(gauges, measured, level_m)
    ratio = float(np.median(measured / np.maximum(level_m, 1.0)))
    said += [
        f"the gauges read {ratio:.2f} times what the network file has: they may be in {unit}, not in metres"
        for unit, of_m in _OTHER_UNITS.items()
        if abs(ratio / of_m - 1.0) < _LIKE_UNIT and np.abs(off).max() > _FAR_M
    ]
    for tank, levels in zip(file.tanks, np.array([s.drivers[len(file.meters) :] for s in states]).T, strict=True):
        low, high = file.tank_levels_m.get(tank, (-np.inf, np.inf))
        if levels.min() < low - _OFF_LEVEL_M or levels.max() > high + _OFF_LEVEL_M:
            said.append(
                f"tank {copy.net.nodes[tank]} reads {levels.min():.2f} to {levels.max():.2f} m where the network file allows "
                f"{low:.2f} to {high:.2f} m: its bottom or the gauge's zero is wrong"
            )
    said += _of_meters(copy, states)
    still = np.ptp(np.array([s.pressure_m for s in states]), axis=0) < _STILL_M
    said += [f"gauge {gauges[k]} reads the same at all hours of the days that teach" for k in np.flatnonzero(still)]
    if used < 1:
        said.append(
            f"{1 - used:.0%} of the hourly pressures and inflow shares lie far from what any variation of the network file gives: "
            "they are left out of its calibration"
        )
    if misfit[1] > POOR_MISFIT:
        said.append(
            f"pressures still differ from the calibrated file by {misfit[1]:.1f} times the error of a measurement "
            f"({misfit[0]:.1f} before; {POOR_MISFIT:.0f} at most are usual): places are less sure than they say"
        )
    return tuple(said)


def _far_off(gauges: tuple[str, ...], measured_m: FloatArray, level_m: FloatArray) -> list[str]:
    """Gauges that read far from the file, one by one; of most of them at once, that it is the file, in one sentence."""
    far = np.flatnonzero(np.abs(measured_m - level_m) > _FAR_M)
    if len(far) > max(_MOST_FAR * len(gauges), 1):
        worst = int(far[np.argmax(np.abs(measured_m - level_m)[far])])
        words = (
            f"{len(far)} of {len(gauges)} gauges read more than {_FAR_M:.0f} m off the network file (farthest {gauges[worst]}: "
            f"{measured_m[worst]:.1f} m on the mean where the file has {level_m[worst]:.1f} m): the file's sources, mains or "
            "units, the units of the meters, or the zero of all gauges are wrong"
        )
        return [words]
    return [
        f"gauge {gauges[k]} reads {measured_m[k]:.1f} m on the mean where the network file has {level_m[k]:.1f} m: "
        f"node, height or zone of one of them is wrong; {_FAR_M:.0f} m at most are usual"
        for k in far
    ]


def _of_meters(copy: NetworkCopy, states: Sequence[OperatingState]) -> list[str]:
    """What the meters say that cannot be, beside the file's demands."""
    file = copy.file
    if not file.inlets:
        return []
    share, inflow = weights(states), np.array([copy.metered.inflow(s.drivers) for s in states])
    if inflow.max() <= 0:
        return [f"the inlets' meters bring {inflow.max():.1f} m³/h at most: demands are as the file has them"]
    if np.ptp(inflow) <= 0:
        return [f"the inlets' meters bring {inflow[0]:.1f} m³/h at all hours of the days that teach: they stand still"]
    drawn, mean = float((file.demand.sum(axis=1) * file.factors.mean(axis=1)).sum()), float(share @ inflow)
    if 1 / _OTHER_DEMAND <= mean / max(drawn, 1e-9) <= _OTHER_DEMAND:
        return []
    words = (
        f"the inlets' meters bring {mean:.1f} m³/h on the mean where the demands of the network file are {drawn:.1f} m³/h: "
        "units of the meters or of the file may be wrong, or a meter is missing"
    )
    return [words]
