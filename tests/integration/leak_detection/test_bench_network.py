"""The model layer over two recorded years: what it finds is causal and keeps its number of alarms."""

import pytest

from app.leak_learning import learn_network
from app.leaks_alarms import utc
from app.network_replay import alarms_of, as_past
from app.network_set import read_network_set
from domain.errors import ConfigurationError
from tests.support.shared_data import shared


@pytest.mark.slow
def test_two_years_are_replayed_with_few_alarms_and_no_early_issue():
    data = read_network_set(shared("data", "ltown-dev"))
    learned = learn_network(as_past(data))
    alarms = alarms_of(data, learned)
    assert 10 <= len(alarms) <= 40
    assert all(a.issued >= utc(data.second) and a.start <= a.issued for a in alarms)
    assert all(leak.place.flow_m3h > 0 for leak in learned.run.watch.ledger.leaks)


def test_a_folder_that_is_no_set_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigurationError, match=tmp_path.name):
        read_network_set(tmp_path)
