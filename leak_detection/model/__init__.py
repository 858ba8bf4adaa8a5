"""Leaks from pressures, with a hydraulic model: signatures come in as arrays, so nothing here knows EPANET."""
