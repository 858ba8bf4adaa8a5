from pathlib import Path

import numpy as np
import pytest

from simulator.toolkit import Epanet, HydraulicsError

SITE = Path(__file__).resolve().parents[3] / "sites" / "demo"


def test_water_flows_from_the_tank_and_valves_hold_their_outlet():
    with Epanet(SITE / "network.inp") as epanet:
        assert epanet.solve()
        pressures, flows = epanet.pressures(), epanet.flows()
        assert pressures.shape == (len(epanet.nodes),)
        assert flows[epanet.links.index("TANK-OUT")] > 50
        valve = epanet.links.index("PRV-MED")
        assert pressures[epanet.nodes.index("V-MED-B")] == pytest.approx(epanet.setting(valve), abs=0.01)
        epanet.set_setting(valve, 30.0)
        epanet.solve()
        assert epanet.pressures()[epanet.nodes.index("V-MED-B")] == pytest.approx(30.0, abs=0.01)


def test_values_one_by_one_are_the_values_at_once():
    with Epanet(SITE / "network.inp") as epanet:
        epanet.solve()
        at_once = epanet.pressures(), epanet.flows()
        epanet._bulk = False
        assert np.array_equal(epanet.pressures(), at_once[0])
        assert np.array_equal(epanet.flows(), at_once[1])


def test_a_network_that_is_none_is_refused_in_epanets_words(tmp_path: Path):
    (tmp_path / "bad.inp").write_text("[JUNCTIONS]\nA 1\n[END]\n")
    with pytest.raises(HydraulicsError, match=r"EPANET error 2\d\d"):
        Epanet(tmp_path / "bad.inp")
    with pytest.raises(HydraulicsError, match="none"):
        Epanet(tmp_path / "none.inp")


def test_an_unknown_pattern_is_named():
    with Epanet(SITE / "network.inp") as epanet, pytest.raises(HydraulicsError, match=r"pattern nights"):
        epanet.pattern("nights")
