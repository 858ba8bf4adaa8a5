"""A street of simulated DLMS meters and a gateway's way to them, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from domain.calendar import Calendar
from edge.bus import BusActor
from edge.collector import Collector
from edge.database import DatabaseThread, open_database
from edge.device_settings import ActuatorSettings, DeviceSettings
from edge.dlms_link import MeterKeys, MeterLink, link_meter
from edge.dlms_poller import MeterPoller
from edge.dlms_settings import Access, DlmsSettings
from edge.dlms_store import MeterStore
from edge.fleet import Fleet
from edge.poller import PollCounters
from edge.readings import READING
from edge.spool import Spool
from protocols.dlms.counter_file import FileCounterStore
from protocols.dlms.keyring import MeterSecrets, new_kek, wrap
from protocols.tasks import end_tasks
from simulator.customers import Customers
from simulator.dlms_meters import MANAGER, READER, Credentials, DlmsMeters, MeterKind, SimulatedMeter

START = datetime(2026, 3, 20, 10, 5, tzinfo=UTC)
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
TITLE = b"KHT00001"
TIMEOUT_S = 20.0


@dataclass(slots=True)
class HandClock:
    """A clock that stands until it is moved."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def timestamp(self) -> float:
        return self.moment.timestamp()

    def wall_delay(self, until: datetime) -> float:
        return max(0.0, (until - self.moment).total_seconds())


@dataclass(slots=True, kw_only=True)
class Street:
    """Meters, the gateway's state folder, and what is open of it."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    names: tuple[str, ...] = ("m1", "m2")
    kind: MeterKind = MeterKind.WATER
    suite: int = 0
    credentials: dict[str, Credentials] = field(default_factory=dict)
    customers: Customers = field(init=False)
    meters: DlmsMeters = field(init=False)
    kek: bytes = field(init=False)
    spool: Spool = field(init=False)
    fleet: Fleet = field(init=False)
    bus: BusActor = field(init=False)
    collector: Collector = field(init=False)
    keys: MeterKeys = field(init=False)
    store: MeterStore = field(init=False)
    reached: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.customers = Customers(seed=7, names=self.names, calendar=Calendar(), since=SINCE)
        found = {}
        for number, name in enumerate(self.names, 1):
            self.credentials[name] = Credentials.fresh(suite=self.suite)
            found[number] = SimulatedMeter(
                name,
                kind=self.kind,
                number=number,
                customers=self.customers,
                credentials=self.credentials[name],
                now=lambda: self.clock.now(),  # noqa: PLW0108  (the clock may be replaced)
            )
        self.meters = DlmsMeters(found)
        self.kek = new_kek()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "kek").write_text(self.kek.hex())
        for name, one in self.credentials.items():
            self.write_keys(name, MeterSecrets(encryption=one.encryption, authentication=one.authentication, password=one.password))

    def write_keys(self, name: str, found: MeterSecrets) -> Path:
        """The key file of a meter."""
        path = self.folder / f"{name}.toml"
        path.write_text("\n".join(f'{key} = "{value}"' for key, value in wrap(self.kek, found).items()))
        return path

    def settings(self, name: str, access: Access = Access.GMAC, *, switch: bool = False, **how: Any) -> DeviceSettings:
        """A meter's ``[[device]]``."""
        number = self.names.index(name) + 1
        client = {Access.LLS: READER, Access.GMAC: MANAGER}.get(access, 16)
        given: dict[str, Any] = {"suite": self.suite, "backfill_days": 3.0, **how}
        supply = ActuatorSettings(
            key=f"supply-{name}", device=name, field="supply_state", min_m=0, max_m=1, safe_m=1, ramp_up_m=1, ramp_down_m=1,
            min_interval_s=0, lease_s=1e9,
        )  # fmt: skip
        return DeviceSettings(
            key=name,
            model=self.kind.value,
            host="127.0.0.1",
            port=self.meters.port,
            unit_id=1,
            period_s=3600.0,
            timeout_s=float(str(given.pop("timeout_s", TIMEOUT_S))),
            fields=tuple(given.pop("fields", ())),
            actuators=(supply,) if switch else (),
            dlms=DlmsSettings(
                client=client,
                server=number,
                access=access,
                system_title=TITLE,
                keys_file=self.folder / f"{name}.toml",
                **given,
            ),
        )

    def link(self, settings: DeviceSettings) -> MeterLink:
        """The meter on the street's one bus."""
        return link_meter(settings, self.bus, self.keys)

    def poller(self, link: MeterLink) -> MeterPoller:
        """Its visitor."""
        return MeterPoller(
            link=link,
            clock=self.clock,
            collector=self.collector,
            store=self.store,
            counters=PollCounters(),
            on_reached=self.reached.__setitem__,
        )

    async def readings(self, device: str, metric: str) -> list[tuple[int, float, int, bool]]:
        """(time [ms], value, quality, historical) of everything spooled, in the order of the spool."""
        await self.collector.flush()
        alias = self.spool.channel(device, metric).alias
        rows = self.spool._db.execute("SELECT readings, historical FROM payload JOIN block USING (first) ORDER BY first")
        found = []
        for raw, historical in rows:
            part = np.frombuffer(raw, dtype=READING)
            mine = part[part["channel"] == alias]
            found += [(int(row["time_ms"]), float(row["value"]), int(row["quality"]), bool(historical)) for row in mine]
        return found

    def hours(self, name: str, first: datetime, last: datetime) -> list[tuple[int, float]]:
        """What the profile must give for every full hour of [first, last]."""
        begin, end = -int(-first.timestamp() // 3600), int(last.timestamp() // 3600)
        return [(hour * 3_600_000, self.customers.litres(name, hour) / 1000) for hour in range(begin, end + 1)]

    def wait(self, **span: float) -> None:
        """Lets process time pass."""
        self.clock.moment += timedelta(**span)


@asynccontextmanager
async def street(folder: Path, **how: Any) -> AsyncIterator[Street]:
    """Meters that listen, and a gateway's store and queue; one address, so one queue."""
    import asyncio

    made = Street(folder=folder, **how)
    connection, database = open_database(folder / "state"), DatabaseThread()
    made.spool = Spool(connection)
    made.collector = Collector(spool=made.spool, database=database, clock=made.clock, flush_s=0.01, on_commit=lambda: None)
    made.store = MeterStore(spool=made.spool, database=database, clock=made.clock, on_commit=lambda: None)
    made.keys = MeterKeys(counters=FileCounterStore(folder / "counters"), kek_file=folder / "kek")
    made.bus = BusActor("127.0.0.1", 1)
    await made.meters.start()
    running = asyncio.create_task(made.bus.run())
    try:
        yield made
    finally:
        await end_tasks([running])
        await made.meters.stop()
        database.close()
        connection.close()


async def visitor(folder: Path, port: int) -> None:
    """One gateway process that fills a month's gap at the first meter of somebody else's street, and ends."""
    import asyncio
    from dataclasses import replace

    connection, database, clock = open_database(folder / "state"), DatabaseThread(), HandClock()
    spool, bus = Spool(connection), BusActor("127.0.0.1", port)
    collector = Collector(spool=spool, database=database, clock=clock, flush_s=0.01, on_commit=lambda: None)
    store = MeterStore(spool=spool, database=database, clock=clock, on_commit=lambda: None)
    keys = MeterKeys(counters=FileCounterStore(folder / "counters"), kek_file=folder / "kek")
    how = DlmsSettings(
        client=MANAGER, access=Access.GMAC, system_title=TITLE, keys_file=folder / "m1.toml", backfill_days=30.0, ciphered=True
    )
    settings = DeviceSettings(
        key="m1",
        model=MeterKind.WATER.value,
        host="127.0.0.1",
        port=port,
        unit_id=1,
        period_s=3600.0,
        timeout_s=TIMEOUT_S,
        dlms=how,
    )
    link = link_meter(replace(settings, fields=("volume_m3",)), bus, keys)
    running = asyncio.create_task(bus.run())
    poller = MeterPoller(
        link=link, clock=clock, collector=collector, store=store, counters=PollCounters(), on_reached=lambda *_: None
    )
    print("begun", flush=True)
    await poller.visit()
    await end_tasks([running])
    await collector.flush()
    if not poller.answers:
        raise SystemExit(1)
    database.close()
    connection.close()
