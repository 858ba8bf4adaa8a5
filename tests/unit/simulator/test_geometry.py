import pytest

from domain.errors import ConfigurationError
from simulator.geometry import read_geometry

TEXT = """
[JUNCTIONS]
A 410
B 405.5
[RESERVOIRS]
S 450
[TANKS]
T 440 3 0 6 12 0
[PIPES]
P1 T A 300 200 130 0 Open
P2 A B 120 80 130 0 Open
[PUMPS]
PU S T HEAD C
[VALVES]
V A B 150 PRV 32.5 0
[TAGS]
NODE A old
NODE B old
[DEMANDS]
A 0.5 homes.old-1 ; 12 connections
B 2 steady.mill ; 1 connection
[EMITTERS]
B 0.01
[OPTIONS]
EMITTER EXPONENT 1.2
[COORDINATES]
A 1 2
B 3 4
S 0 0
T 5 5
ghost 9 9
"""


def test_nodes_links_zones_and_customers_are_read():
    found = read_geometry(TEXT)
    assert found.nodes == {"A": (1, 2, 410), "B": (3, 4, 405.5), "S": (0, 0, 450), "T": (5, 5, 440)}
    assert [(k.key, k.kind, k.start, k.end) for k in found.links] == [
        ("P1", "pipe", "T", "A"),
        ("P2", "pipe", "A", "B"),
        ("PU", "pump", "S", "T"),
        ("V", "valve", "A", "B"),
    ]
    assert found.zones == {"A": "old", "B": "old"}
    assert found.connections == {"A": 12, "B": 1}
    assert found.demands == {"A": 0.5, "B": 2.0}
    assert found.groups["B"] == "steady.mill"
    assert found.settings == {"V": 32.5}
    assert found.emitters == {"B": 0.01}
    assert found.emitter_exponent == 1.2
    assert (found.reservoirs, found.tanks) == (("S",), ("T",))


def test_the_length_of_mains_counts_pipes_inside_the_zone_only():
    assert read_geometry(TEXT).mains_km("old") == pytest.approx(0.12)


def test_without_a_word_on_it_the_exponent_is_that_of_an_orifice():
    assert read_geometry("[JUNCTIONS]\nA 1\n").emitter_exponent == 0.5


def test_a_pipe_without_end_is_a_clear_error():
    with pytest.raises(ConfigurationError, match=r"\[PIPES\] line 2"):
        read_geometry("[PIPES]\nP1 A\n")
