"""For every test: local hours by the rules that the product goes by, its one thread of linear algebra; time for the long ones."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from app.blas_threads import one_blas_thread
from app.time_rules import use_newest_rules

one_blas_thread()
use_newest_rules()
# How long an example takes says how busy the machine is.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

LONG_PROOF_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A long proof may take its minutes: what is a minute alone is three beside others."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_PROOF_S))
