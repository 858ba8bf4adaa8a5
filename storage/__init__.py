"""PostgreSQL and TimescaleDB behind the ports of ``domain.ports``.

- ``migrate.py`` and ``migrations/*.sql``: one schema for both
- ``database.py``: pool, roles, errors; ``sql.py`` and ``queries/*.sql``: every statement, by name
- ``ingest.py``, ``ledger.py``: the only way in of readings; ``series.py``: the way out, as arrays
- ``commands.py``, ``alerts.py`` …: one module an aggregate
"""
