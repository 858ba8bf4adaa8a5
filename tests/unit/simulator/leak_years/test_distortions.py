"""What is absent leaves the file as it is; a valve is closed only where water can go round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from domain.errors import ConfigurationError
from simulator.leak_years.chance import Chance
from simulator.leak_years.distortions import draw_pipes
from simulator.leak_years.facts import NetworkFacts, areas, distances, patches, read_facts, spread
from simulator.leak_years.places import choose_places
from tests.support.small_network import write_network


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> NetworkFacts:
    path: Path = tmp_path_factory.mktemp("net") / "town.inp"
    write_network(path)
    return read_facts(path)


def test_absent_is_the_file(facts: NetworkFacts):
    pipes = draw_pipes(facts, Chance(seed=1, forced="absent"))
    np.testing.assert_allclose(pipes.roughness_factor, 1.0)
    np.testing.assert_allclose(pipes.diameter_factor, 1.0)
    assert not pipes.closed
    assert not pipes.throttled
    assert pipes.background_m3h.sum() == 0


def test_strong_is_far_from_it_and_keeps_every_node_fed(facts: NetworkFacts):
    for seed in range(8):
        pipes = draw_pipes(facts, Chance(seed=seed, forced="strong"))
        assert np.std(np.log(pipes.roughness_factor)) > 0.08
        assert len(pipes.closed) + len(pipes.throttled) == 2
        assert pipes.background_m3h.sum() == pytest.approx(0.1 * facts.total_m3h)
        assert not {facts.links[k] for k in pipes.closed} & {"MAIN", "IN"}


def test_what_is_near_is_alike(facts: NetworkFacts):
    field = patches(facts, np.random.default_rng(5))
    a, b = facts.ends.T
    assert field.std() == pytest.approx(1.0)
    assert np.abs(field[a] - field[b]).mean() < 0.7 * np.abs(field[:, None] - field).mean()


def test_distances_follow_the_pipes_and_gauges_stand_apart(facts: NetworkFacts):
    way = distances(facts, facts.nodes.index("J00"))
    assert way[facts.nodes.index("J44")] == pytest.approx(1600)
    apart = [facts.nodes[k] for k in spread(facts, facts.demand_nodes, 3, first=facts.nodes.index("J00"))]
    assert apart[:2] == ["J00", "J44"]
    assert apart[2] in {"J04", "J40"}
    assert set(areas(facts)) == {0}


def test_places_by_default_and_by_name(facts: NetworkFacts):
    places = choose_places(facts, Chance(seed=1), gauge_count=5, customer_share=0.2)
    assert len(set(places.gauges)) == 5
    assert places.meters == ("MAIN",)
    assert len(places.customers) == 5
    assert choose_places(facts, Chance(seed=1), gauges=["J11"], meters=["IN"]).gauges == ("J11",)
    with pytest.raises(ConfigurationError, match="J99"):
        choose_places(facts, Chance(seed=1), gauges=["J99"])
