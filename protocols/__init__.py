"""Bytes ↔ readings: one folder a protocol, each a pure codec, a thin client, and profiles as data."""
