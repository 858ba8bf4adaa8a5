"""EPANET in memory, through the C interface of its shared library: one hydraulic state at a time.

The library comes with ``owa-epanet`` where that has a wheel, else with ``wntr``; it is found beside the package without importing
it (wntr takes seconds to import and needs none of its Python here). Only functions that EPANET 2.2 and 2.3 share are needed;
whole arrays are read at once where 2.3 is there.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from domain.errors import KhettaraError

FloatArray = NDArray[np.float64]

# Numbers of the EPANET 2.2 toolkit (epanet2_enums.h).
_ELEVATION, _EMITTER, _TANKLEVEL, _HEAD, _PRESSURE = 0, 3, 8, 10, 11
_ROUGHNESS, _INITIAL_STATUS, _INITIAL_SETTING, _FLOW, _STATUS, _SETTING = 2, 4, 5, 8, 11, 12
_TRIALS, _ACCURACY, _DEMAND_MULTIPLIER, _UNBALANCED = 0, 1, 4, 14
_MORE_TRIALS = 10
_NODES, _LINKS, _CONTROLS = 0, 2, 5
_CMH = 8
_ITERATIONS, _RELATIVE_ERROR = 0, 1
_WARNINGS = range(1, 7)
_MOST_REASONS, _LONG = 3, 120


class HydraulicsError(KhettaraError):
    """EPANET refused a network or found no solution; carries EPANET's own words."""


def find_library() -> Path:
    """Path of EPANET's shared library.

    Raises:
        HydraulicsError: Neither package is installed for this platform.
    """
    suffix = {"darwin": "dylib", "win32": "dll"}.get(sys.platform, "so")
    arm = platform.machine() in ("arm64", "aarch64")
    folder = {"darwin": "darwin-arm" if arm else "darwin-x64", "win32": "windows-x64"}.get(sys.platform, "linux-x64")
    places = [("epanet", f"libepanet2.{suffix}"), ("wntr", f"epanet/libepanet/{folder}/libepanet2.{suffix}")]
    for package, inside in places:
        spec = importlib.util.find_spec(package)
        for root in (spec.submodule_search_locations or []) if spec else []:
            if (path := Path(root) / inside).exists():
                return path
    raise HydraulicsError(
        f"no EPANET library for Python {platform.python_version()} on {sys.platform} {platform.machine()}: "
        "install khettara[simulator] (owa-epanet or wntr)"
    )


class Epanet:
    """One network, solved state by state.

    Arrays are in the order of ``nodes`` and ``links``; flows are m³/h where the file says CMH, or after ``use_metric``.
    """

    def __init__(self, network: Path, *, library: Path | None = None) -> None:
        """Opens a network file.

        Raises:
            HydraulicsError: No library, or EPANET does not accept the file.
        """
        self._c: Any = ctypes.CDLL(str(library or find_library()))
        self._project = ctypes.c_void_p()
        self._check(self._c.EN_createproject(ctypes.byref(self._project)), "create project")
        self._open = False
        try:
            self._call("open", str(network).encode(), os.devnull.encode(), b"", what=str(network))
            self._open = True
            self._call("openH", what=str(network))
            self._call("initH", 0, what=str(network))
        except HydraulicsError as error:
            why = "" if self._open else self._why(network)
            self.close()
            raise HydraulicsError(f"{error}{why}") from error
        self.nodes = self._names("node", self._count(_NODES))
        self.links = self._names("link", self._count(_LINKS))
        self._bulk = hasattr(self._c, "EN_getnodevalues")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Gives the library's memory back."""
        if self._project:
            if self._open:
                self._c.EN_close(self._project)
            self._c.EN_deleteproject(self._project)
            self._project, self._open = ctypes.c_void_p(), False

    def solve(self) -> bool:
        """Balances the present state; False where EPANET warns (not balanced, negative pressure, a pump or valve out of its range).

        Raises:
            HydraulicsError: EPANET gives up.
        """
        now = ctypes.c_long()
        code = self._c.EN_runH(self._project, ctypes.byref(now))
        self._check(code, "solve")
        return int(code) == 0

    def restart(self) -> None:
        """Forgets the last solution: the next starts from EPANET's own guess."""
        self._call("initH", 10)

    def pattern(self, name: str) -> int:
        """Index of a demand pattern."""
        index = ctypes.c_int()
        self._call("getpatternindex", name.encode(), ctypes.byref(index), what=f"pattern {name}")
        return index.value

    def set_multiplier(self, pattern: int, value: float) -> None:
        """Makes a pattern one constant factor."""
        factor = ctypes.c_double(value)
        self._call("setpattern", pattern, ctypes.byref(factor), 1)

    def set_emitter(self, node: int, coefficient: float) -> None:
        """Leak at a node (position in ``nodes``) [m³/h per m^N1]."""
        self._set_node(node, _EMITTER, coefficient)

    def use_metric(self) -> None:
        """Makes every number m³/h, m and mm (roughness of Darcy and Weisbach), whatever flow units the file is in.

        Pressures and settings stay in the file's unit of pressure.
        """
        units = ctypes.c_int()
        self._call("getflowunits", ctypes.byref(units))
        if units.value != _CMH:
            self._call("setflowunits", _CMH)

    def drop_controls(self) -> None:
        """Takes out the simple controls: pumps and valves stay as they are set."""
        for control in range(self._count(_CONTROLS), 0, -1):
            self._call("deletecontrol", control)

    def keep_on(self) -> None:
        """A state that does not balance gives what it has (see ``imbalance``), also where the file wants EPANET to stop there."""
        self._call("setoption", _UNBALANCED, ctypes.c_double(_MORE_TRIALS))

    def imbalance(self) -> float:
        """Change of all flows in the last trial of the last solution, as a share of all flow."""
        value = ctypes.c_double()
        self._call("getstatistic", _RELATIVE_ERROR, ctypes.byref(value))
        return value.value

    def trials(self) -> int:
        """How many trials the last solution took."""
        value = ctypes.c_double()
        self._call("getstatistic", _ITERATIONS, ctypes.byref(value))
        return int(value.value)

    def set_accuracy(self, accuracy: float, trials: int = 200) -> None:
        """How closely flows are balanced, as a share of all flow; the usual 0.01 is too coarse for differences of two states."""
        for option, value in ((_TRIALS, float(trials)), (_ACCURACY, accuracy)):
            self._call("setoption", option, ctypes.c_double(value))

    def one_demand(self) -> None:
        """Leaves each node its first demand alone, so that ``set_demand`` is all that a node draws."""
        self._call("setoption", _DEMAND_MULTIPLIER, ctypes.c_double(1.0))
        count = ctypes.c_int()
        for node in range(1, len(self.nodes) + 1):
            self._call("getnumdemands", node, ctypes.byref(count))
            for category in range(2, count.value + 1):
                self._call("setbasedemand", node, category, ctypes.c_double(0.0))

    def set_demand(self, node: int, demand_m3h: float) -> None:
        """First base demand of a junction (position in ``nodes``) [m³/h]."""
        self._call("setbasedemand", node + 1, 1, ctypes.c_double(demand_m3h), what=f"demand of {self.nodes[node]}")

    def set_demands(self, nodes: list[int], demand_m3h: list[float]) -> None:
        """First base demands of many junctions (positions in ``nodes``) [m³/h]: before every solution, so without detours."""
        set_one, project = self._c.EN_setbasedemand, self._project
        for node, demand in zip(nodes, demand_m3h, strict=True):
            code = set_one(project, node + 1, 1, ctypes.c_double(demand))
            if code:
                self._check(code, f"demand of {self.nodes[node]}")

    def set_roughness(self, link: int, value: float) -> None:
        """Roughness of a pipe (position in ``links``), in the units of the file's formula."""
        self._set_link(link, _ROUGHNESS, value)

    def set_tank_level(self, node: int, level_m: float) -> None:
        """Water level of a tank above its bottom [m]."""
        self._set_node(node, _TANKLEVEL, level_m)

    def set_setting(self, link: int, value: float) -> None:
        """Setting of a valve, for a PRV the pressure at its outlet [m]."""
        self._set_link(link, _SETTING, value)

    def set_status(self, link: int, is_open: bool) -> None:
        """Opens or closes a pump or pipe."""
        self._set_link(link, _STATUS, float(is_open))

    def set_start(self, link: int, is_open: bool) -> None:
        """Opens or closes a pump or pipe from the next ``restart`` on: one that is open then starts from its design flow."""
        if is_open:
            # A pump that the file closes has no speed either.
            self._set_link(link, _INITIAL_SETTING, 1.0)
        self._set_link(link, _INITIAL_STATUS, float(is_open))

    def setting(self, link: int) -> float:
        """Setting of a valve now."""
        value = ctypes.c_double()
        self._call("getlinkvalue", link + 1, _SETTING, ctypes.byref(value))
        return value.value

    def elevations(self) -> FloatArray:
        """Height of every node [m], shape (nodes,)."""
        return self._values("node", _ELEVATION, len(self.nodes))

    def pressures(self) -> FloatArray:
        """Pressure at every node [m], shape (nodes,)."""
        return self._values("node", _PRESSURE, len(self.nodes))

    def heads(self) -> FloatArray:
        """Head at every node [m], shape (nodes,)."""
        return self._values("node", _HEAD, len(self.nodes))

    def flows(self) -> FloatArray:
        """Flow of every link [m³/h], positive from start to end, shape (links,)."""
        return self._values("link", _FLOW, len(self.links))

    def _values(self, what: str, number: int, count: int) -> FloatArray:
        found = np.empty(count)
        if self._bulk:
            self._call(f"get{what}values", number, found.ctypes.data_as(ctypes.POINTER(ctypes.c_double)))
            return found
        value, get = ctypes.c_double(), getattr(self._c, f"EN_get{what}value")
        for i in range(count):
            get(self._project, i + 1, number, ctypes.byref(value))
            found[i] = value.value
        return found

    def _set_node(self, node: int, number: int, value: float) -> None:
        self._call("setnodevalue", node + 1, number, ctypes.c_double(value), what=f"node {self.nodes[node]} = {value}")

    def _set_link(self, link: int, number: int, value: float) -> None:
        self._call("setlinkvalue", link + 1, number, ctypes.c_double(value), what=f"link {self.links[link]} = {value}")

    def _count(self, kind: int) -> int:
        count = ctypes.c_int()
        self._call("getcount", kind, ctypes.byref(count))
        return count.value

    def _names(self, what: str, count: int) -> tuple[str, ...]:
        text = ctypes.create_string_buffer(64)
        names = []
        for i in range(1, count + 1):
            self._call(f"get{what}id", i, text)
            names.append(text.value.decode())
        return tuple(names)

    def _call(self, function: str, *arguments: Any, what: str = "") -> None:
        self._check(getattr(self._c, f"EN_{function}")(self._project, *arguments), what or function)

    def _why(self, network: Path) -> str:
        """What EPANET's report says of a file that it did not open: the first lines that it cannot read."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.txt")
            self._c.EN_open(self._project, str(network).encode(), str(report).encode(), b"")
            self._c.EN_close(self._project)
            lines = report.read_text(errors="replace").splitlines() if report.exists() else []
        said = [
            "".join(c if c.isprintable() else "?" for c in f"{line.strip()} {' '.join(after.split())}".strip(" ;"))[:_LONG]
            for line, after in zip(lines, [*lines[1:], ""], strict=False)
            if line.strip().startswith("Error") and not line.strip().startswith("Error 200")
        ]
        more = f" (and {len(said) - _MOST_REASONS} more)" if len(said) > _MOST_REASONS else ""
        return "".join(f"; {one}" for one in said[:_MOST_REASONS]) + more

    def _check(self, code: int, what: str) -> None:
        if code == 0 or code in _WARNINGS:
            return
        text = ctypes.create_string_buffer(256)
        self._c.EN_geterror(code, text, 255)
        raise HydraulicsError(f"EPANET error {code} at {what}: {text.value.decode(errors='replace')}")
