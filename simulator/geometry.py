"""The network as a map: where its nodes lie and what joins them. Pure; reads the .inp text without the toolkit."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.inp import Row, number, read_sections


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
        links=_links(sections),
        zones={r.words[1]: r.words[2] for r in sections.get("TAGS", ()) if r.words[0].upper() == "NODE" and len(r.words) > 2},
        connections={r.words[0]: _connections(r) for r in demands if _connections(r)},
        demands={r.words[0]: number(r, 1, section="DEMANDS", what="a demand") for r in demands},
        groups={r.words[0]: r.words[2] for r in demands if len(r.words) > 2},
        settings={r.words[0]: number(r, 5, section="VALVES", what="a setting") for r in sections.get("VALVES", ())},
        emitters={r.words[0]: number(r, 1, section="EMITTERS", what="a coefficient") for r in sections.get("EMITTERS", ())},
        reservoirs=tuple(r.words[0] for r in sections.get("RESERVOIRS", ())),
        tanks=tuple(r.words[0] for r in sections.get("TANKS", ())),
    )


def _links(sections: dict[str, tuple[Row, ...]]) -> tuple[Link, ...]:
    pipes = tuple(
        Link(
            key=r.words[0],
            kind="pipe",
            start=r.words[1],
            end=r.words[2],
            length_m=number(r, 3, section="PIPES", what="a length"),
            diameter_mm=number(r, 4, section="PIPES", what="a diameter"),
        )
        for r in sections.get("PIPES", ())
    )
    pumps = tuple(Link(key=r.words[0], kind="pump", start=r.words[1], end=r.words[2]) for r in sections.get("PUMPS", ()))
    valves = tuple(
        Link(
            key=r.words[0],
            kind="valve",
            start=r.words[1],
            end=r.words[2],
            diameter_mm=number(r, 3, section="VALVES", what="a diameter"),
        )
        for r in sections.get("VALVES", ())
    )
    return pipes + pumps + valves


def _connections(row: Row) -> int:
    words = row.comment.split()
    return int(words[0]) if len(words) == 2 and words[1].startswith("connection") and words[0].isdigit() else 0
