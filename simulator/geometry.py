"""The network as a map: where its nodes lie and what joins them. Pure; reads the .inp text without the toolkit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulator.inp import Row, number, read_sections, word

Sections = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A pipe, pump or valve between two nodes."""

    key: str
    kind: str
    """``pipe``, ``pump`` or ``valve``."""
    start: str
    end: str
    length_m: float = 0.0
    diameter_mm: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """A network without its hydraulics."""

    nodes: dict[str, tuple[float, float, float]]
    """x, y and elevation of each node [m]; a reservoir's elevation is its head."""
    links: tuple[Link, ...]
    zones: dict[str, str]
    """Zone key of each node, from its tag; nodes without a tag are missing."""
    connections: dict[str, int]
    """Customer connections at each junction that has some."""
    demands: dict[str, float]
    """Mean demand of each junction that has one [m³/h]."""
    groups: dict[str, str]
    """Demand pattern of each junction that has a demand."""
    settings: dict[str, float]
    """Setting of each valve in the file, for a PRV its outlet pressure [m]."""
    emitters: dict[str, float]
    """Emitter coefficient of each leaking junction [m³/h per m^N1]."""
    emitter_exponent: float
    """N1 of L1/L0 = (P1/P0)^N1; EPANET's own is 0.5 where the file says nothing."""
    reservoirs: tuple[str, ...]
    tanks: tuple[str, ...]

    def mains_km(self, zone: str) -> float:
        """Length of the pipes with both ends in the zone [km]."""
        return (
            sum(
                link.length_m
                for link in self.links
                if link.kind == "pipe" and self.zones.get(link.start) == zone == self.zones.get(link.end)
            )
            / 1000
        )


def read_geometry(inp_text: str) -> Geometry:
    """The map of a network file.

    Connections stand as a comment behind a demand (``; 17 connections``), zones as tags (``NODE M001 medina``).

    Raises:
        ConfigurationError: A number is missing or no number; names section and line.
    """
    sections = read_sections(inp_text)
    elevation: dict[str, float] = {}
    for name in ("JUNCTIONS", "RESERVOIRS", "TANKS"):
        for row in sections.get(name, ()):
            elevation[row.words[0]] = number(row, 1, section=name, what="an elevation")
    nodes = {
        row.words[0]: (
            number(row, 1, section="COORDINATES", what="x"),
            number(row, 2, section="COORDINATES", what="y"),
            elevation[row.words[0]],
        )
        for row in sections.get("COORDINATES", ())
        if row.words[0] in elevation
    }
    demands = sections.get("DEMANDS", ())
    return Geometry(
        nodes=nodes,
        links=tuple(_links(sections)),
        zones={r.words[1]: r.words[2] for r in sections.get("TAGS", ()) if r.words[0].upper() == "NODE" and len(r.words) > 2},
        connections={r.words[0]: _connections(r) for r in demands if _connections(r)},
        demands=_numbers(sections, "DEMANDS", 1, "a demand"),
        groups={r.words[0]: r.words[2] for r in demands if len(r.words) > 2},
        settings=_numbers(sections, "VALVES", 5, "a setting"),
        emitters=_numbers(sections, "EMITTERS", 1, "a coefficient"),
        emitter_exponent=next(
            (number(r, 2, section="OPTIONS", what="an exponent") for r in sections.get("OPTIONS", ()) if _is_exponent(r)), 0.5
        ),
        reservoirs=tuple(r.words[0] for r in sections.get("RESERVOIRS", ())),
        tanks=tuple(r.words[0] for r in sections.get("TANKS", ())),
    )


def _numbers(sections: Sections, section: str, column: int, what: str) -> dict[str, float]:
    return {r.words[0]: number(r, column, section=section, what=what) for r in sections.get(section, ())}


def _links(sections: Sections) -> Iterator[Link]:
    for section, kind in (("PIPES", "pipe"), ("PUMPS", "pump"), ("VALVES", "valve")):
        for row in sections.get(section, ()):
            yield Link(
                key=row.words[0],
                kind=kind,
                start=word(row, 1, section=section, what="a node"),
                end=word(row, 2, section=section, what="a node"),
                length_m=number(row, 3, section=section, what="a length") if kind == "pipe" else 0.0,
                diameter_mm=number(row, 4 if kind == "pipe" else 3, section=section, what="a diameter") if kind != "pump" else 0.0,
            )


def _is_exponent(row: Row) -> bool:
    return tuple(w.upper() for w in row.words[:2]) == ("EMITTER", "EXPONENT")


def _connections(row: Row) -> int:
    """The number in a comment such as ``17 connections``."""
    words = row.comment.split()
    return int(words[0]) if len(words) == 2 and words[1].startswith("connection") and words[0].isdigit() else 0
