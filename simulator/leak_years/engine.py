"""EPANET with what years need: a network read, changed and stepped by EPANET's own clock, tanks and controls.

Codes are those of the EPANET 2.2 toolkit (epanet2_enums.h). Flows m³/h, heads and levels m, diameters mm.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.series import FloatArray
from simulator.toolkit import Epanet

JUNCTION, RESERVOIR, TANK = 0, 1, 2
CV_PIPE, PIPE, PUMP, PRV = 0, 1, 2, 3
DIAMETER, LENGTH, ROUGHNESS, MINOR_LOSS, START_STATUS, START_SETTING = 0, 1, 2, 3, 4, 5
_EMITTER, _DEMAND, _HEAD, _PRESSURE = 3, 9, 10, 11
_MIN_LEVEL, _MAX_LEVEL = 20, 21
_DURATION, _HYDRAULIC_STEP, _PATTERN_STEP, _PATTERN_START, _REPORT_STEP = 0, 1, 3, 4, 5
_EMITTER_EXPONENT, _DEMAND_MULTIPLIER, _HEADLOSS = 3, 4, 7
_PATTERNS, _CONTROLS = 3, 5
_BELOW, _ABOVE = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelControl:
    """A simple control that follows a node's level."""

    index: int
    link: str
    node: str
    above: bool
    level_m: float


class YearEngine(Epanet):
    """A network that may be changed, then runs."""

    def __init__(self, network: Path) -> None:
        """Opens a network file.

        Raises:
            HydraulicsError: No library, or EPANET does not accept the file.
        """
        super().__init__(network)
        self.use_metric()
        self.keep_on()
        self._call("setstatusreport", 0)
        self._call("closeH")
        self._own = 0

    def node_kinds(self) -> NDArray[np.int64]:
        """Kind of every node, shape (nodes,)."""
        return self._kinds("node", len(self.nodes))

    def link_kinds(self) -> NDArray[np.int64]:
        """Kind of every link, shape (links,)."""
        return self._kinds("link", len(self.links))

    def link_ends(self) -> NDArray[np.int64]:
        """Positions of the two nodes of every link, shape (links, 2)."""
        a, b, out = ctypes.c_int(), ctypes.c_int(), np.empty((len(self.links), 2), dtype=np.int64)
        for k in range(len(self.links)):
            self._call("getlinknodes", k + 1, ctypes.byref(a), ctypes.byref(b))
            out[k] = a.value - 1, b.value - 1
        return out

    def link_values(self, code: int) -> FloatArray:
        """A property of every link, shape (links,)."""
        return self._values("link", code, len(self.links))

    def set_link(self, link: int, code: int, value: float) -> None:
        """A property of a link (position in ``links``)."""
        self._set_link(link, code, value)

    def tank_range(self, node: int) -> tuple[float, float]:
        """Least and largest level of a tank [m]."""
        return self._node_value(node, _MIN_LEVEL), self._node_value(node, _MAX_LEVEL)

    def option(self, code: int) -> float:
        """An option of the file."""
        value = ctypes.c_double()
        self._call("getoption", code, ctypes.byref(value))
        return value.value

    def headloss(self) -> int:
        """0 Hazen and Williams, 1 Darcy and Weisbach, 2 Manning."""
        return int(self.option(_HEADLOSS))

    def emitter_exponent(self) -> float:
        """The exponent of all emitters."""
        return self.option(_EMITTER_EXPONENT)

    def set_emitter_exponent(self, exponent: float) -> None:
        """The exponent of all emitters."""
        self._call("setoption", _EMITTER_EXPONENT, ctypes.c_double(exponent))

    def base_demands(self) -> dict[int, list[tuple[float, int]]]:
        """Demands of each junction with any: (mean factor of it [m³/h], index of its pattern, 0 for none)."""
        count, value, pattern = ctypes.c_int(), ctypes.c_double(), ctypes.c_int()
        times = self.option(_DEMAND_MULTIPLIER)
        out: dict[int, list[tuple[float, int]]] = {}
        for node in np.flatnonzero(self.node_kinds() == JUNCTION):
            self._call("getnumdemands", int(node) + 1, ctypes.byref(count))
            for k in range(1, count.value + 1):
                self._call("getbasedemand", int(node) + 1, k, ctypes.byref(value))
                self._call("getdemandpattern", int(node) + 1, k, ctypes.byref(pattern))
                if value.value:
                    out.setdefault(int(node), []).append((value.value * times, pattern.value))
        return out

    def patterns(self) -> list[FloatArray]:
        """Factors of every pattern of the file; that of index 0 is a constant 1."""
        out, length, value = [np.ones(1)], ctypes.c_int(), ctypes.c_double()
        for index in range(1, self._count(_PATTERNS) + 1):
            self._call("getpatternlen", index, ctypes.byref(length))
            factors = np.empty(length.value)
            for k in range(length.value):
                self._call("getpatternvalue", index, k + 1, ctypes.byref(value))
                factors[k] = value.value
            out.append(factors)
        return out

    def pattern_clock(self) -> tuple[int, int]:
        """Seconds between two factors of a pattern, and the second of it at which the file begins."""
        return self._time(_PATTERN_STEP), self._time(_PATTERN_START)

    def controls(self) -> list[LevelControl]:
        """Simple controls by a level."""
        kind, link, node = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        setting, level = ctypes.c_double(), ctypes.c_double()
        out = []
        for index in range(1, self._count(_CONTROLS) + 1):
            found = (kind, link, setting, node, level)
            self._call("getcontrol", index, *(ctypes.byref(x) for x in found))
            if kind.value in (_BELOW, _ABOVE) and node.value:
                names = self.links[link.value - 1], self.nodes[node.value - 1]
                out.append(LevelControl(index=index, link=names[0], node=names[1], above=kind.value == _ABOVE, level_m=level.value))
        return out

    def set_control_level(self, index: int, level_m: float) -> None:
        """Another level of a simple control."""
        kind, link, node = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        setting, old = ctypes.c_double(), ctypes.c_double()
        self._call("getcontrol", index, *(ctypes.byref(x) for x in (kind, link, setting, node, old)))
        self._call("setcontrol", index, kind, link, setting, node, ctypes.c_double(level_m))

    def wear_pump(self, link: int, share: float) -> bool:
        """Takes a share off the heads of a pump's curve; False where it has none."""
        curve, length = ctypes.c_int(), ctypes.c_int()
        x, y = ctypes.c_double(), ctypes.c_double()
        code = self._c.EN_getheadcurveindex(self._project, link + 1, ctypes.byref(curve))
        if code or not curve.value:
            return False
        self._call("getcurvelen", curve.value, ctypes.byref(length))
        for k in range(1, length.value + 1):
            self._call("getcurvevalue", curve.value, k, ctypes.byref(x), ctypes.byref(y))
            self._call("setcurvevalue", curve.value, k, x, ctypes.c_double(y.value * (1 - share)))
        return True

    def split_pipe(self, link: int, share: float, name: str) -> None:
        """Puts a node into a pipe at a share of its length; the part before it keeps the pipe's name."""
        a, b = (int(n) for n in self.link_ends()[link])
        length, diameter, rough, minor = (self._link_value(link, c) for c in (LENGTH, DIAMETER, ROUGHNESS, MINOR_LOSS))
        heights, last, index = self.elevations(), self.nodes[b], ctypes.c_int()
        self._call("addnode", name.encode(), JUNCTION, ctypes.byref(index), what=name)
        self.nodes = self._names("node", self._count(0))
        middle, first = self.nodes.index(name), self.nodes.index(self.nodes[a])
        self._set_node(middle, 0, float((1 - share) * heights[a] + share * heights[b]))
        self._call("setlinknodes", link + 1, first + 1, middle + 1)
        self._call("addlink", f"{name}-on".encode(), PIPE, name.encode(), last.encode(), ctypes.byref(index), what=name)
        self.links = self._names("link", self._count(2))
        for part, metres, loss in ((link, length * share, minor), (self.links.index(f"{name}-on"), length * (1 - share), 0.0)):
            for code, value in ((LENGTH, metres), (DIAMETER, diameter), (ROUGHNESS, rough), (MINOR_LOSS, loss)):
                self._set_link(part, code, value)

    def own_demands(self, nodes: Sequence[int]) -> list[int]:
        """Leaves every junction without demand but ``nodes``, whose demand follows a pattern each; indices of these."""
        self._call("setoption", _DEMAND_MULTIPLIER, ctypes.c_double(1.0))
        self._drop_demands()
        out, index = [], ctypes.c_int()
        for node in nodes:
            name = f"own-{self._own}".encode()
            self._own += 1
            self._call("addpattern", name)
            self._call("getpatternindex", name, ctypes.byref(index))
            self._call("setdemandpattern", node + 1, 1, index.value)
            self._call("setbasedemand", node + 1, 1, ctypes.c_double(1.0))
            out.append(index.value)
        return out

    def set_pattern(self, index: int, factors: FloatArray) -> None:
        """All factors of a pattern; C-contiguous."""
        self._call("setpattern", index, ctypes.c_void_p(factors.ctypes.data), len(factors))

    def begin(self, step_s: int, duration_s: int) -> None:
        """Sets EPANET's clock to 0."""
        for code, seconds in (
            (_DURATION, duration_s),
            (_PATTERN_START, 0),
            (_PATTERN_STEP, step_s),
            (_REPORT_STEP, step_s),
            (_HYDRAULIC_STEP, step_s),
        ):
            self._call("settimeparam", code, ctypes.c_long(seconds))
        self._call("openH")
        self._call("initH", 0)

    def run(self) -> int:
        """Balances the present moment; its second."""
        now = ctypes.c_long()
        self._check(self._c.EN_runH(self._project, ctypes.byref(now)), "solve")
        return int(now.value)

    def advance(self) -> int:
        """Fills tanks and goes to the next event; its length in seconds, 0 at the end."""
        length = ctypes.c_long()
        self._call("nextH", ctypes.byref(length))
        return int(length.value)

    def demands(self) -> FloatArray:
        """What leaves the network at every node, losses included; for tanks and reservoirs what flows in [m³/h], shape (nodes,)."""
        return self._values("node", _DEMAND, len(self.nodes))

    def pressure_unit(self) -> float:
        """Units of pressure of the file in one metre, from the present state."""
        metres = self.heads() - self.elevations()
        worth = int(np.argmax(np.abs(metres)))
        return round(float(self.pressures()[worth] / metres[worth]), 9) if abs(metres[worth]) > 1 else 1.0

    def _drop_demands(self) -> None:
        count = ctypes.c_int()
        for node in np.flatnonzero(self.node_kinds() == JUNCTION):
            self._call("getnumdemands", int(node) + 1, ctypes.byref(count))
            for k in range(count.value, 1, -1):
                self._call("deletedemand", int(node) + 1, k)
            if count.value == 0:
                self._call("adddemand", int(node) + 1, ctypes.c_double(0.0), b"", b"")
            else:
                self._call("setbasedemand", int(node) + 1, 1, ctypes.c_double(0.0))

    def _kinds(self, what: str, count: int) -> NDArray[np.int64]:
        kind, out = ctypes.c_int(), np.empty(count, dtype=np.int64)
        for k in range(count):
            self._call(f"get{what}type", k + 1, ctypes.byref(kind))
            out[k] = kind.value
        return out

    def _time(self, code: int) -> int:
        value = ctypes.c_long()
        self._call("gettimeparam", code, ctypes.byref(value))
        return int(value.value)

    def _node_value(self, node: int, code: int) -> float:
        value = ctypes.c_double()
        self._call("getnodevalue", node + 1, code, ctypes.byref(value))
        return value.value

    def _link_value(self, link: int, code: int) -> float:
        value = ctypes.c_double()
        self._call("getlinkvalue", link + 1, code, ctypes.byref(value))
        return value.value
