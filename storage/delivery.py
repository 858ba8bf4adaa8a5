"""What is wrong with the delivery of gateways (port ``DeliveryReadModel``): readings lost for good, clocks that run ahead."""

from __future__ import annotations

from collections.abc import Sequence

from domain.ports import DeliveryNow
from storage.database import Database
from storage.sql import queries


class PostgresDelivery:
    """``DeliveryReadModel``. What is recent is judged by the database server's clock: no other is read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delivery_now(self) -> Sequence[DeliveryNow]:
        """One row a gateway that has ever lost readings or told a wrong time."""
        async with self._database.transaction("read the gaps") as connection:
            rows = await (await connection.execute(queries("gaps")["delivery_now"])).fetchall()
        return tuple(
            DeliveryNow(edge=edge, lost=lost, reasons=reasons or "", losing=losing, clock_wrong=wrong, ahead_s=ahead_s)
            for edge, lost, reasons, losing, wrong, ahead_s in rows
        )
