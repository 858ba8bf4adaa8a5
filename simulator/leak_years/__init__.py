"""A network over two years with its losses, as its gauges and meters would have recorded it, and the truth beside it.

    network.inp ─▶ facts ─┬▶ distortions ─┐
    seed ─▶ chance ───────┼▶ demands ─────┼▶ hydraulics (EPANET, every step) ─▶ gauges ─▶ faults ─▶ write
                          ├▶ operation ───┤
                          └▶ leaks ───────┘

The maker knows nothing of any detection. Every concern draws from its own generator, named by the seed and the concern: one more
draw in one changes no other. What the true network has otherwise than its file stands in ``truth``.
"""
