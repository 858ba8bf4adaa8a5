from tests.support.postgres import database, database_server

__all__ = ["database", "database_server"]
