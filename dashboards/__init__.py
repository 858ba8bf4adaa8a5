"""Grafana dashboards, built from typed Python into committed JSON, and every panel's SQL proved by running it."""
