"""A town to run against: hydraulics by EPANET, people with habits, sensors and valves on real Modbus TCP, and faults on order.

    network_design ─▶ network.inp ─┐
    sites/<key>/*.toml ────────────┼─▶ Plant.step(t, setpoints, faults) ─▶ town (Modbus) · history (npz) · compare (the same twice)
    seed, time ─▶ noise ─▶ demand ─┘

All chance is a pure function of (seed, time): the same plant, seed and hours can be run again with other setpoints.
"""
