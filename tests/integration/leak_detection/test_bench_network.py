"""The model layer over two recorded years: what it finds is causal and keeps its number of alarms."""

import pytest

from app.bench_model import read_network_set, replay_network
from domain.errors import ConfigurationError
from tests.support.shared_data import shared


@pytest.mark.slow
def test_two_years_are_replayed_with_few_alarms_and_no_early_issue():
    data = read_network_set(shared("data", "ltown-dev"))
    alarms, ledger = replay_network(data)
    assert 10 <= len(alarms) <= 40
    assert all(a.issued >= data.second and a.start <= a.issued for a in alarms)
    assert all(leak.place.flow_m3h > 0 for leak in ledger.leaks)


def test_a_folder_that_is_no_set_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigurationError, match=tmp_path.name):
        read_network_set(tmp_path)
