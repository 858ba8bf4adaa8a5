"""Finding the water that is being lost: detectors as pure functions over a zone's series.

    series ─▶ net_flow, pressure_normal ─▶ ZoneInputs ─▶ baseline (what the zone normally does) ─▶ detectors (table.py)
                                                                                                    │ Detection
                                                              Finding, one key a leak ◀─ monitor, life ◀┘

The same functions run online (``service``), over recordings (``evaluate``) and in tests; none reads a clock.
"""
