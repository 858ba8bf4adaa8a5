"""Where gauges and meters stand when nobody says it: gauges far apart, meters at sources, pumps and tanks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.errors import ConfigurationError
from simulator.leak_years import engine as en
from simulator.leak_years.chance import Chance
from simulator.leak_years.facts import NetworkFacts, spread
from simulator.leak_years.plan import Places


def choose_places(
    facts: NetworkFacts, chance: Chance, *, gauges: Sequence[str] = (), gauge_count: int = 33, meters: Sequence[str] = (),
    tanks: Sequence[str] = (), customers: Sequence[str] = (), customer_share: float = 0.1,
) -> Places:  # fmt: skip
    """Places by name, or where they would stand.

    Args:
        facts: The network.
        chance: Of the customers' meters.
        gauges: Nodes; without, ``gauge_count`` junctions with a demand, far apart along the pipes.
        gauge_count: How many.
        meters: Links; without, every pump and every link at a source or, but for pumps, at a tank.
        tanks: Tanks whose level is read; all without.
        customers: Nodes with customers' meters; without, ``customer_share`` of the nodes with a demand.
        customer_share: Share of the nodes, 0 for none.

    Raises:
        ConfigurationError: A name is not in the network, or a node is no tank.
    """
    _known(gauges, facts.nodes, "--gauges")
    _known(meters, facts.links, "--meters")
    _known(customers, facts.nodes, "--like")
    stored = [facts.nodes[n] for n in facts.tank_range_m]
    _known(tanks, stored, "tanks")
    return Places(
        gauges=tuple(gauges) or tuple(facts.nodes[n] for n in spread(facts, facts.demand_nodes, gauge_count)),
        meters=tuple(meters) or _meters(facts),
        tanks=tuple(tanks) or tuple(stored),
        customers=tuple(customers) or _customers(facts, chance, customer_share),
    )


def _known(names: Sequence[str], there: Sequence[str], key: str) -> None:
    for name in names:
        if name not in there:
            raise ConfigurationError(
                file="network file", key=key, value=name, expected=f"a name of the network such as {', '.join(there[:3])}"
            )


def _meters(facts: NetworkFacts) -> tuple[str, ...]:
    out = []
    for k, (a, b) in enumerate(facts.ends):
        kinds = {int(facts.node_kind[a]), int(facts.node_kind[b])}
        pump = facts.link_kind[k] == en.PUMP
        if pump or en.RESERVOIR in kinds or en.TANK in kinds:
            out.append(facts.links[k])
    return tuple(out)


def _customers(facts: NetworkFacts, chance: Chance, share: float) -> tuple[str, ...]:
    count = round(share * facts.demand_nodes.size)
    chosen = chance.rng("customers' meters").choice(facts.demand_nodes, size=count, replace=False)
    return tuple(facts.nodes[n] for n in np.sort(chosen))
