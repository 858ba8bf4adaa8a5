"""A street of simulated meters as others read it: two independent clients, every suite, prepayment and tokens."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from protocols.dlms.association import Association
from protocols.dlms.client import DlmsClient
from protocols.dlms.profile import read_layout, read_profile, read_register
from protocols.dlms.selection import by_entry, by_time
from protocols.dlms.server_prepayment import make_token
from protocols.dlms.wrapper import Wrapper
from simulator.dlms_meters import PROFILE, PROFILE_DAYS, VOLUME, MeterKind
from tests.support.dlms_environment import run_peer
from tests.support.dlms_site import START, Street


@pytest.mark.parametrize("suite", [0, 1, 2])
async def test_two_independent_clients_read_a_prepaid_meter(tmp_path: Path, suite: int) -> None:
    town = Street(folder=tmp_path, names=("m1", "m2"), kind=MeterKind.PREPAID, suite=suite)
    await town.meters.start()
    keys, purse = town.credentials["m2"], town.meters.meters[2].purse
    amount = purse.amount
    try:
        found = await asyncio.to_thread(
            run_peer,
            "simulated.py",
            port=town.meters.port,
            server=2,
            suite=suite,
            encryption=keys.encryption.hex(),
            authentication=keys.authentication.hex(),
            token=make_token(keys.token_key, amount=5000, number=1),
            first=(START - timedelta(hours=5)).isoformat(),
            last=START.isoformat(),
        )
    finally:
        await town.meters.stop()
    gurux, pydlms = found["gurux"], found["pydlms"]
    litres = town.customers.litres_at("m2", START)
    assert gurux["water"] == pytest.approx(litres / 1000)
    assert gurux["rows"] == [round(1000 * value) for _, value in town.hours("m2", START - timedelta(hours=5), START)]
    assert gurux["account"] == [max(0, amount), max(0, -amount)]
    assert gurux["credit"] == [amount, 3 if amount > 0 else 4]
    assert gurux["paid"] == 2000 - amount
    assert gurux["token"] == [3, 6]  # executed, then refused: it counts once
    assert gurux["credit_after"] == amount + 5000
    assert pydlms["water"] == f"{litres / 1000} m3"
    assert pydlms["credit"] == amount + 5000
    assert pydlms["status"][0] == 6


async def test_hundreds_behind_one_port_each_with_its_own_past(tmp_path: Path) -> None:
    names = tuple(f"m{n:03d}" for n in range(300))
    town = Street(folder=tmp_path, names=names)
    await town.meters.start()

    async def read(number: int) -> tuple[float | None, int, int]:
        framing = partial(Wrapper, local=16, remote=number)
        port = town.meters.port
        async with DlmsClient("127.0.0.1", port, framing=framing, association=Association(), timeout_s=60.0) as client:
            volume = (await read_register(client, VOLUME)).canonical
            layout = await read_layout(client, PROFILE)
            day = await read_profile(client, layout, by_time(START - timedelta(hours=24), START))
            entries = await read_profile(client, layout, by_entry(PROFILE_DAYS * 24 - 1))
            return volume, len(day), entries[-1].cells[1].value

    try:
        found = [result for start in range(0, 300, 50) for result in await asyncio.gather(*map(read, range(start + 1, start + 51)))]
    finally:
        await town.meters.stop()
    now: datetime = START
    for name, (volume, rows, newest) in zip(names, found, strict=True):
        assert volume == town.customers.litres_at(name, now) / 1000
        assert rows == 24
        assert newest == town.customers.litres(name, int(now.timestamp() // 3600))
    assert len({volume for volume, _, _ in found}) > 290
    assert 10 < sum(town.customers.drips(name) for name in names) < 50


def test_customers_are_the_same_however_they_are_asked(tmp_path: Path) -> None:
    one, two = (Street(folder=tmp_path / name).customers for name in "ab")
    hour = int(START.timestamp() // 3600)
    late_first = [two.litres("m1", h) for h in (hour, hour - 100)]
    assert [one.litres("m1", h) for h in (hour - 100, hour)] == late_first[::-1]
    assert all(one.litres("m2", h) <= one.litres("m2", h + 1) for h in range(hour - 48, hour))
    with pytest.raises(ValueError, match="before"):
        one.litres("m1", 0)
