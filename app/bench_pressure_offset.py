"""What moving two parallel valves against one another is worth, where one with perfect knowledge leads both to the lowest level.

    python -m app.bench_pressure_offset <pressure_bench.py> [<net> [<seed>]]

For each offset from the network's own it prints the share of the free oracle's cut of leakage. Needs the benchmark's packages.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from app.bench_pressure_run import BURN_DAYS, STEP_MIN, load_tool

_OFFSETS_M = (-10.0, -5.0, -2.0, 0.0, 2.0, 5.0, 10.0)
_DAYS = 9


def offset_shares(bench: Any, net: str, seed: int) -> dict[float, float]:
    """Share [%] of the cut that an oracle free to move the offset reaches, by offset kept [m]."""
    plant = bench.Plant(net, "none", days=_DAYS, step_min=STEP_MIN[net], burn_days=BURN_DAYS)
    own = dict(plant.default)

    def leakage(maker: Any) -> float:
        return float(bench.run(plant, maker, seed)[0]["leak_m3"])

    present, free = leakage(lambda _: bench.fixed(own)), leakage(bench.oracle)
    shares = {}
    for offset_m in _OFFSETS_M:
        for zone in plant.zones.values():
            first, *others = zone["valves"]
            for valve, part in ((first, 0.5), *((v, -0.5 / len(others)) for v in others)):
                plant.default[valve] = own[valve] + part * offset_m if others else own[valve]
        kept = leakage(lambda p: bench.oracle(p, offset_search=False))
        shares[offset_m] = 100.0 * (present - kept) / (present - free)
    plant.close()
    return shares


def main(words: list[str]) -> None:
    """One line an offset."""
    tool, net, seed = [*words, *("ltown", "2000")[max(0, len(words) - 1) :]]
    for offset_m, share in offset_shares(load_tool(Path(tool)), net, int(seed)).items():
        sys.stdout.write(f"{net} seed {seed}: {offset_m:+5.1f} m from the own offset: {share:6.2f} % of the free oracle's cut\n")


if __name__ == "__main__":
    main(sys.argv[1:])
