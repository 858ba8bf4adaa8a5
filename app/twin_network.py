"""A published network file (.inp) as arrays in metres and m³/h, read by EPANET itself, for the copies of single zones."""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from domain.errors import ConfigurationError
from domain.series import FloatArray
from simulator.toolkit import Epanet

# Numbers of the EPANET 2.2 toolkit (epanet2_enums.h).
_ELEVATION, _PATTERNS, _PATTERN_STEP, _PATTERN_START, _DEMAND_FACTOR, _FORMULA, _CMH, _JUNCTION = 0, 3, 3, 4, 4, 7, 8, 0
_DIAMETER, _LENGTH, _ROUGHNESS, _MINOR, _INITIAL_STATUS = 0, 1, 2, 3, 4
_CHECK, _PIPE, _THROTTLE = 0, 1, 7
_FORMULAE = ("H-W", "D-W", "C-M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A pipe, pump or valve."""

    name: str
    start: int
    end: int
    kind: int
    """EPANET's number of the kind."""
    is_open: bool
    length_m: float
    diameter_mm: float
    roughness: float
    minor: float

    @property
    def is_pipe(self) -> bool:
        """Whether pressure passes: a pipe that is open, or a throttle."""
        return self.is_open and self.kind in (_CHECK, _PIPE, _THROTTLE)

    @property
    def one_way(self) -> bool:
        """A pipe with a check valve."""
        return self.kind == _CHECK


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """What a network file says."""

    nodes: tuple[str, ...]
    links: tuple[Link, ...]
    is_junction: tuple[bool, ...]
    elevation_m: FloatArray
    demand_m3h: tuple[tuple[tuple[int, float], ...], ...]
    """By node: pattern (0: none) and mean demand of each category."""
    patterns: tuple[FloatArray, ...]
    """Factors by pattern; the first, number 0, is the constant 1."""
    pattern_step_s: float
    pattern_start_s: float
    formula: str

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of a node by name."""
        return {name: i for i, name in enumerate(self.nodes)}

    @cached_property
    def pipes_at(self) -> dict[int, list[int]]:
        """Pipes by node, both ways."""
        found: dict[int, list[int]] = defaultdict(list)
        for k, link in enumerate(self.links):
            if link.is_pipe:
                found[link.start].append(k)
                found[link.end].append(k)
        return found

    def link(self, name: str) -> Link:
        """A link by name.

        Raises:
            ConfigurationError: There is none.
        """
        for link in self.links:
            if link.name == name:
                return link
        raise ConfigurationError(file="network file", key="link", value=name, expected="a link of the network")

    def area(self, start: int) -> set[int]:
        """All nodes that pipes join to one."""
        found, todo = {start}, [start]
        while todo:
            at = todo.pop()
            for k in self.pipes_at.get(at, ()):
                other = self.links[k].end if self.links[k].start == at else self.links[k].start
                if other not in found:
                    found.add(other)
                    todo.append(other)
        return found

    def leaving(self, area: set[int]) -> Iterator[Link]:
        """Pumps and valves that lead out of an area."""
        return (v for v in self.links if not v.is_pipe and v.start in area and v.end not in area)

    def factor(self, pattern: int, time_s: float) -> float:
        """Factor of a pattern at a time since Monday 00:00."""
        values = self.patterns[pattern]
        return float(values[int((time_s + self.pattern_start_s) // self.pattern_step_s) % values.size])


class _Reader(Epanet):
    """The toolkit's getters that only this needs."""

    def network(self) -> Network:
        self._call("setflowunits", _CMH)
        factor = self._option(_DEMAND_FACTOR)
        return Network(
            nodes=self.nodes,
            links=tuple(self._link(i) for i in range(len(self.links))),
            is_junction=tuple(self._whole("getnodetype", i + 1) == _JUNCTION for i in range(len(self.nodes))),
            elevation_m=np.array([self._real("getnodevalue", i + 1, _ELEVATION) for i in range(len(self.nodes))]),
            demand_m3h=tuple(self._demands(i, factor) for i in range(len(self.nodes))),
            patterns=(np.ones(1), *(self._pattern(p) for p in range(1, self._whole("getcount", _PATTERNS) + 1))),
            pattern_step_s=float(self._long("gettimeparam", _PATTERN_STEP)),
            pattern_start_s=float(self._long("gettimeparam", _PATTERN_START)),
            formula=_FORMULAE[int(self._option(_FORMULA))],
        )

    def _link(self, i: int) -> Link:
        start, end = ctypes.c_int(), ctypes.c_int()
        self._call("getlinknodes", i + 1, ctypes.byref(start), ctypes.byref(end))
        status, length, diameter, roughness, minor = (
            self._real("getlinkvalue", i + 1, number) for number in (_INITIAL_STATUS, _LENGTH, _DIAMETER, _ROUGHNESS, _MINOR)
        )
        return Link(
            name=self.links[i],
            start=start.value - 1,
            end=end.value - 1,
            kind=self._whole("getlinktype", i + 1),
            is_open=status != 0,
            length_m=length,
            diameter_mm=diameter,
            roughness=roughness,
            minor=minor,
        )

    def _demands(self, i: int, factor: float) -> tuple[tuple[int, float], ...]:
        found = []
        for k in range(1, self._whole("getnumdemands", i + 1) + 1):
            mean = factor * self._real("getbasedemand", i + 1, k)
            if mean:
                found.append((self._whole("getdemandpattern", i + 1, k), mean))
        return tuple(found)

    def _pattern(self, pattern: int) -> FloatArray:
        size = self._whole("getpatternlen", pattern)
        return np.array([self._real("getpatternvalue", pattern, k) for k in range(1, size + 1)])

    def _whole(self, function: str, *arguments: int) -> int:
        value = ctypes.c_int()
        self._call(function, *arguments, ctypes.byref(value))
        return value.value

    def _long(self, function: str, *arguments: int) -> int:
        value = ctypes.c_long()
        self._call(function, *arguments, ctypes.byref(value))
        return value.value

    def _real(self, function: str, *arguments: int) -> float:
        value = ctypes.c_double()
        self._call(function, *arguments, ctypes.byref(value))
        return value.value

    def _option(self, number: int) -> float:
        return self._real("getoption", number)


def read_network(file: Path) -> Network:
    """A network file, in metres, millimetres and m³/h whatever it is written in.

    Raises:
        ConfigurationError: No such file.
        HydraulicsError: No EPANET library, or EPANET does not accept the file.
    """
    if not file.is_file():
        raise ConfigurationError(file=str(file), key="network", value=str(file), expected="a network file (.inp)")
    with _Reader(file) as reader:
        return reader.network()
