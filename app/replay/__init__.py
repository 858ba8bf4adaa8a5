"""Measured time series through the real road: CSV → spool → MQTT → ingest → database."""
