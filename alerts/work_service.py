"""Work orders in the store: made by operators, reported on by crews, closed or reopened by the night flow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.pictures import clean_picture
from alerts.work import (
    NightProof,
    WorkRefused,
    awaits_proof,
    leak_began,
    new_order,
    night_proof,
    proved,
    reported,
)
from domain.alerts import Alert, AlertEvent, CrewReport, WorkOrder, WorkState
from domain.photos import Photo
from domain.ports import AlertStore, Clock, NightFlows, PhotoStore, WorkStore

MOST_PHOTOS = 30
"""Photographs of one order."""
LOOK_AGAIN = timedelta(minutes=30)
"""The nights of an order are read again only after so long: they change once a day."""
_NIGHTS_BACK = timedelta(days=10)


class WorkDesk:
    """Everything that may happen to an order. Who may do it, the caller has asked.

    Args:
        store: Where orders and reports live.
        alerts: Where alerts live.
        clock: Process time.
        nights: What proves a repair; without it the detectors' word must do.
        photos: Where photographs live; without it none are taken.
    """

    def __init__(
        self,
        *,
        store: WorkStore,
        alerts: AlertStore,
        clock: Clock,
        nights: NightFlows | None = None,
        photos: PhotoStore | None = None,
    ) -> None:
        self._store, self._alerts, self._clock, self._nights, self._photos = store, alerts, clock, nights, photos
        self._looked: dict[str, datetime] = {}
        self._lock = asyncio.Lock()

    @property
    def takes_photos(self) -> bool:
        """Whether photographs are kept."""
        return self._photos is not None

    async def orders(self, *, include_closed: bool = False) -> Sequence[WorkOrder]:
        """Orders, newest first."""
        return await self._store.orders(include_closed=include_closed)

    async def orders_of(self, alert: str) -> Sequence[WorkOrder]:
        """Orders of one alert, closed ones among them, newest first."""
        return await self._store.orders_of(alert)

    async def order(self, key: str) -> tuple[WorkOrder, Sequence[CrewReport]] | None:
        """One order and its reports, oldest first."""
        return await self._store.order(key)

    async def history(self, alert: str) -> Sequence[AlertEvent]:
        """What has happened to an alert, oldest first."""
        return await self._store.history(alert)

    async def create(self, alert_key: str, by: str) -> WorkOrder:
        """Sends a crew for an alert.

        Raises:
            KeyError: No open alert has this key.
            WorkRefused: See ``alerts.work.new_order``.
        """
        async with self._lock:
            alert = next((a for a in await self._alerts.alerts() if a.key == alert_key), None)
            if alert is None:
                raise KeyError(f"no open alert has the key {alert_key!r}")
            order = new_order(alert, by, self._clock.now(), await self._store.orders())
            await self._store.save_order(order)
            return order

    async def report(self, report: CrewReport) -> WorkOrder:
        """Takes a crew's report; one that has come before changes nothing and is no error.

        Raises:
            KeyError: No order has this key.
            WorkRefused: See ``alerts.work.reported``.
        """
        async with self._lock:
            found = await self._store.order(report.order)
            if found is None:
                raise KeyError(f"no work order has the key {report.order!r}")
            order, before = found
            if any(r.key == report.key for r in before):
                return order
            after = reported(order, report, self._clock.now())
            await self._store.save_order(after, report=report)
            return after

    async def add_photo(self, key: str, order: str, taken_at: datetime, by: str, content: bytes) -> Photo:
        """Keeps a photograph without what the camera noted in it; one that has come before changes nothing and is no error.

        Raises:
            KeyError: No order has this key.
            WorkRefused: No photographs are kept here, or the order has as many as it may.
            PictureRefused: It is no picture that can be kept.
        """
        photos = self._photos
        if photos is None:
            raise WorkRefused("no_photos", "this console keeps no photographs")
        picture = clean_picture(content)
        async with self._lock:
            if await self._store.order(order) is None:
                raise KeyError(f"no work order has the key {order!r}")
            kept = await photos.photos(order)
            same = next((p for p in kept if p.key == key), None)
            if same is not None:
                return same
            if len(kept) >= MOST_PHOTOS:
                raise WorkRefused("too_many_photos", f"{order} has {len(kept)} photographs; at most {MOST_PHOTOS}")
            photo = Photo(
                key=key, order=order, taken_at=taken_at, by=by, media_type=picture.media_type,
                width=picture.width, height=picture.height, size_bytes=len(picture.content),
            )  # fmt: skip
            if not await photos.add_photo(photo, picture.content):
                raise WorkRefused("photo_elsewhere", f"the photograph {key} belongs to another order")
            return photo

    async def photos(self, order: str) -> Sequence[Photo]:
        """Photographs of an order, oldest first."""
        return () if self._photos is None else await self._photos.photos(order)

    async def photo(self, order: str, key: str) -> tuple[Photo, bytes] | None:
        """One photograph of an order with its bytes."""
        return None if self._photos is None else await self._photos.photo(order, key)

    async def tick(self, now: datetime) -> tuple[WorkOrder, ...]:
        """Closes orders whose loss is gone, reopens those whose loss is not; returns them."""
        async with self._lock:
            waiting = [o for o in await self._store.orders() if o.state is WorkState.REPAIRED]
            self._looked = {key: at for key, at in self._looked.items() if any(o.key == key for o in waiting)}
            changed = []
            for order in waiting:
                alert = await self._alerts.alert(order.alert)
                if not awaits_proof(order, alert, now) or not self._look(order, now):
                    continue
                after = proved(order, alert, now, await self._proof(order, alert, now))
                if after != order:
                    await self._store.save_order(after)
                    changed.append(after)
            return tuple(changed)

    def _look(self, order: WorkOrder, now: datetime) -> bool:
        last = self._looked.get(order.key)
        if self._nights is not None and last is not None and now - last < LOOK_AGAIN:
            return False
        self._looked[order.key] = now
        return True

    async def _proof(self, order: WorkOrder, alert: Alert | None, now: datetime) -> NightProof | None:
        if self._nights is None or order.repaired_at is None or not self._nights.measures(order.zone):
            return None
        since = max(leak_began(order, alert), order.repaired_at - _NIGHTS_BACK)
        return night_proof(order, alert, await self._nights.nights(order.zone, since, now))


__all__ = ["WorkDesk", "WorkRefused"]
