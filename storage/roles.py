"""Database roles: who may do what. The grants themselves are in ``migrations/``."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """One role a kind of process. The member's value is the role's name in the database."""

    MIGRATE = "khettara_migrate"
    """Owns every object; nobody works as this role day to day."""
    INGEST = "khettara_ingest"
    """Writes readings, ledger and dead letters; reads the inventory."""
    ANALYTICS = "khettara_analytics"
    """Reads readings; writes findings and alerts."""
    COMMAND = "khettara_command"
    """Writes proposals, commands, audit rows and users; reads everything the pages show."""
    READ = "khettara_read"
    """Reads the views: Grafana and reports."""
