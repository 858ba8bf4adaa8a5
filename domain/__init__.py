"""The language of the house: what is measured, believed, wished, ordered and done.

Everything here is a value: frozen, keyword-only, with its unit in its name. Nothing here reads a clock, opens a file or knows
of a database; the standard library is enough, and numpy in ``domain.series`` alone.

    Point ── measured by ── Channel of a Device behind a Gateway      (the channel changes at a meter swap, the point never)
    Zone  ── bounded by ── signed inlets, regulated by ── Actuators
    Reading → Series → Finding → Alert → WorkOrder                     (up)
    Proposal → Command → Outcome                                      (down)
"""
