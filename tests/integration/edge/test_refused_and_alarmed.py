"""Forged, replayed, bit-flipped, expired and foreign-token commands: refused without exception, each an alarm, none a move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.setpoints import Expired, Refused, Verified
from edge.executor import Executor
from tests.support.prv_site import PrvSite, command, prv_site, signed

TRIES = 20


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[PrvSite]:
    async with prv_site(tmp_path) as made:
        await made.boot()
        yield made


def executor(site: PrvSite) -> Executor:
    assert site.executor is not None
    return site.executor


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


async def test_every_single_flipped_bit_is_refused_and_alarmed(site: PrvSite) -> None:
    true = signed(command(1, 38.0, site.clock.now(), emergency=True))
    forgeries = [replace(true, document=flipped(true.document, bit)) for bit in range(8 * len(true.document))]
    forgeries += [replace(true, signature=flipped(true.signature, bit)) for bit in range(8 * len(true.signature))]
    alarms = executor(site)._alarms
    for number, forgery in enumerate(forgeries, 1):
        assert await executor(site)._admit("prv1", forgery) is None
        assert alarms.total == number
    assert site.counters.unauthentic == len(forgeries) > 3000
    assert site.connection is not None
    assert site.connection.execute("SELECT count(*) FROM journal").fetchone() == (0,), "what nobody signed fills no disk"
    assert site.writes == []
    await site.order(true)
    assert isinstance(await site.outcome("c1"), Verified), "and hinders nothing"


async def told(site: PrvSite) -> set[str]:
    return {o.command_id for _, o in await executor(site).results() if isinstance(o, Refused)}


async def test_forged_by_others_keys(site: PrvSite) -> None:
    for n in range(1, TRIES + 1):
        await executor(site)._admit("prv1", signed(command(n, 38.0, site.clock.now()), Ed25519PrivateKey.generate()))
    assert await told(site) == {f"alarm:bad_signature:c{n}" for n in range(1, TRIES + 1)}
    assert site.writes == []


async def test_replayed_after_their_end(site: PrvSite) -> None:
    orders = [signed(command(n, 40.0 - 0.1 * n, site.clock.now())) for n in range(1, TRIES + 1)]
    for n, order in enumerate(orders, 1):
        site.clock.advance(1 if n == 1 else 0)
        await site.order(order)
        await site.outcome(f"c{n}")
        executor(site).acknowledge(f"c{n}")
    written, journal = list(site.writes), site.journal
    assert journal is not None
    for n in range(1, TRIES + 1):
        journal.acknowledge(f"c{n}")
    for order in orders:
        assert await executor(site)._admit("prv1", order) is None
    assert {f"alarm:replayed:c{n}" for n in range(1, TRIES + 1)} <= await told(site)
    assert site.counters.replayed == TRIES
    # And long after, when the journal has forgotten them.
    site.clock.advance(40 * 86_400)
    journal.purge(site.clock.now())
    for order in orders:
        assert await executor(site)._admit("prv1", order) is None
    assert {f"alarm:old_counter:c{n}" for n in range(1, 11)} <= await told(site)
    assert site.writes == written


async def test_expired_and_foreign_token(site: PrvSite) -> None:
    late = [signed(command(n, 38.0, site.clock.now())) for n in range(1, TRIES // 2 + 1)]
    site.clock.advance(600)
    for order in late:
        assert await executor(site)._admit("prv1", order) is None
    await site.order(signed(command(50, 40.0, site.clock.now(), owner_token=7)))
    await site.outcome("c50")
    for n in range(51, 51 + TRIES // 2):
        assert await executor(site)._admit("prv1", signed(command(n, 38.0, site.clock.now(), owner_token=6))) is None
    found = {o.command_id: o for _, o in await executor(site).results()}
    for n in range(1, TRIES // 2 + 1):
        assert isinstance(found[f"c{n}"], Expired)
        assert f"alarm:late:c{n}" in found
    for n in range(51, 51 + TRIES // 2):
        assert isinstance(found[f"c{n}"], Refused)
        assert f"alarm:old_owner:c{n}" in found
    assert set(site.writes) <= {40.0}


async def test_for_another_gateway_or_device(site: PrvSite) -> None:
    for n in range(1, TRIES // 2 + 1):
        await executor(site)._admit("prv1", signed(command(n, 38.0, site.clock.now(), gateway="demo/other")))
        await executor(site)._admit("../x", signed(command(n + 100, 38.0, site.clock.now())))
    found = await executor(site).results()
    assert {o.command_id.split(":")[1] for _, o in found} == {"wrong_gateway", "wrong_device"}
    assert {device for device, _ in found} == {"prv1"}, "an invented topic carries no answer"
    assert site.writes == []


async def test_a_flood_is_counted_and_bounded(site: PrvSite) -> None:
    stranger = Ed25519PrivateKey.generate()
    for n in range(500):
        await executor(site)._admit("prv1", signed(command(n, 38.0, site.clock.now()), stranger))
    assert executor(site)._alarms.total == 500
    assert len(await executor(site).results()) == 32
    for _, alarm in await executor(site).results():
        executor(site).acknowledge(alarm.command_id)
    assert await executor(site).results() == ()
