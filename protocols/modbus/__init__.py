"""Modbus, from bytes to readings.

``codec``    registers ↔ numbers              ``client``   the asking side
``profile``  devices as data, and requests    ``server``   the answering side, for the simulated town
"""
