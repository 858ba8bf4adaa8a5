"""Measurements of the delivery path on services of their own: ``khettara bench …``.

traffic (pure: what is sent, and the rows it must become) ─▶ gateways (windows and receipts over MQTT) ─▶ ingestor ─▶ PostgreSQL
"""
