"""The gateway's way with DLMS meters: rows exactly once, clocks, keys, quarantine, supply by command."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from domain.errors import DeviceError
from domain.readings import Quality
from edge.bus import Priority
from edge.dlms_clock import ClockState
from edge.dlms_settings import Access
from edge.dlms_supply import SupplyDriver
from protocols.dlms.acse import Mechanism
from protocols.dlms.errors import Trouble
from protocols.dlms.keyring import MeterSecrets, new_kek, wrap
from protocols.dlms.prepaid import enter_token, read_account, read_charge, read_credit
from protocols.dlms.prepayment import TokenStatus
from protocols.dlms.server_meter import Access as ServerAccess
from protocols.dlms.server_prepayment import make_token
from protocols.dlms.signature import SigningKeys
from simulator.dlms_meters import MANAGER, MeterKind
from tests.support.dlms_site import START, Street, street

HOUR_MS = 3_600_000


def hourly(found: list[tuple[int, float, int, bool]]) -> list[tuple[int, float]]:
    return [(time_ms, value) for time_ms, value, _, _ in found]


@pytest.mark.parametrize(
    ("access", "suite"), [(Access.NONE, 0), (Access.LLS, 0), (Access.GMAC, 0), (Access.GMAC, 1), (Access.GMAC, 2)]
)
async def test_a_visit_brings_registers_and_every_row_of_the_profile(tmp_path: Path, access: Access, suite: int) -> None:
    async with street(tmp_path, suite=suite) as town:
        poller = town.poller(town.link(town.settings("m1", access)))
        await poller.visit()
        assert poller.reached
        volume = await town.readings("m1", "volume_m3")
        assert hourly(volume) == town.hours("m1", START - timedelta(days=3), START)
        assert {quality for _, _, quality, _ in volume} == {Quality.GOOD}
        # The last two hours are news, the rest is history.
        assert [historical for *_, historical in volume] == [time_ms < (START.timestamp() - 7200) * 1000 for time_ms, *_ in volume]
        assert [value for _, value, _, _ in await town.readings("m1", "battery_pct")] == [98.0]
        assert [value for _, value, _, _ in await town.readings("m1", "supply_state")] == [1.0]


async def test_a_day_without_the_link_comes_back_row_by_row_once(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        pollers = [town.poller(town.link(town.settings(name))) for name in town.names]
        for hour in range(40):
            town.meters.cut(frozenset({1}) if 5 <= hour < 29 else frozenset())
            for poller in pollers:
                await poller.visit()
            town.wait(hours=1)
        for name in town.names:
            volume = await town.readings(name, "volume_m3")
            last = START + timedelta(hours=39)
            assert hourly(volume) == town.hours(name, START - timedelta(days=3), last)
        assert pollers[0].visitor.counters.backfilled > pollers[1].visitor.counters.backfilled
        # What the meter does not keep, the registers at the moment of each visit, is not made up.
        assert len(await town.readings("m1", "battery_pct")) == 40 - 24
        assert len(await town.readings("m2", "battery_pct")) == 40


async def test_a_restart_goes_on_behind_what_is_spooled(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        await town.poller(town.link(town.settings("m1"))).visit()
        town.wait(hours=5)
        await town.poller(town.link(town.settings("m1"))).visit()  # another poller: nothing of the first one is known
        volume = await town.readings("m1", "volume_m3")
        assert hourly(volume) == town.hours("m1", START - timedelta(days=3), town.clock.now())


async def test_a_wrong_key_is_tried_once_and_alarmed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with street(tmp_path) as town:
        secret = bytes(range(100, 116))
        town.write_keys("m1", MeterSecrets(encryption=secret, authentication=secret))
        poller = town.poller(town.link(town.settings("m1")))
        with caplog.at_level(logging.DEBUG):
            await poller.visit()
        assert poller.quarantine is not None
        assert poller.quarantine.reason in (Trouble.CREDENTIALS.value, "not_authentic")
        assert town.reached == {"m1": False}
        assert secret.hex() not in caplog.text + repr(poller.quarantine) + repr(town.link(town.settings("m1")).dlms)
        # Neither this process nor the next one asks again before its time, unless the credentials change.
        assert await poller._forbidden()
        with pytest.raises(DeviceError, match="quarantine"):
            await poller._link.run(Priority.COMMAND, read_credit)
        again = town.poller(town.link(town.settings("m1")))
        assert await again._forbidden()
        town.wait(hours=25)
        assert not await again._forbidden()
        town.wait(hours=-25)
        one = town.credentials["m1"]
        town.write_keys("m1", MeterSecrets(encryption=one.encryption, authentication=one.authentication, password=one.password))
        assert not await poller._forbidden()
        await poller.visit()
        assert poller.reached
        assert town.reached == {"m1": True}


@pytest.mark.parametrize("broken", ["missing", "kek", "text"])
async def test_keys_that_cannot_be_had_concern_one_meter(tmp_path: Path, broken: str) -> None:
    async with street(tmp_path) as town:
        path = town.folder / "m1.toml"
        if broken == "missing":
            path.unlink()
        elif broken == "kek":
            wrapped = wrap(new_kek(), MeterSecrets(encryption=bytes(16), authentication=bytes(16)))
            path.write_text("\n".join(f'{k} = "{v}"' for k, v in wrapped.items()))
        else:
            path.write_text("encryption = 5")
        sick, well = (town.poller(town.link(town.settings(name))) for name in town.names)
        await sick.visit()
        await well.visit()
        assert sick.quarantine is not None
        assert sick.quarantine.reason == "keys"
        assert well.reached


async def test_a_busy_meter_is_not_quarantined_and_not_hurried(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        meter = town.meters.meters[1].meter
        poller = town.poller(town.link(town.settings("m1", timeout_s=0.2)))
        town.meters.silence(frozenset({1}))
        for _ in range(3):
            await poller.visit()
        assert poller.quarantine is None
        assert not poller.reached
        assert town.reached == {"m1": False}
        assert poller._health.pause_s(3600.0, poller._random) >= 1800.0
        town.meters.silence(frozenset())
        async with asyncio.timeout(60):  # an answer within 0.2 s may take a few visits where others use the machine
            while not town.reached["m1"]:
                await poller.visit()
        assert meter.seen


async def test_a_locked_meter_is_left_alone(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        meter = town.meters.meters[1].meter
        meter.locked = True
        poller = town.poller(town.link(town.settings("m1")))
        await poller.visit()
        assert poller.quarantine is not None
        assert poller.quarantine.reason == Trouble.LOCKED.value


async def test_a_clock_is_set_within_limits_and_never_beyond(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        shown = town.meters.meters[1]
        poller = town.poller(town.link(town.settings("m1", clock_set=True)))
        shown.set_clock_offset(timedelta(seconds=200))
        await poller.visit()
        assert abs((shown.time() - town.clock.now()).total_seconds()) < 1
        assert poller.visitor.counters.clock_sets == 1
        shown.set_clock_offset(timedelta(hours=3))
        town.wait(hours=1)
        await poller.visit()
        assert poller.visitor.verdict.state is ClockState.OFF
        assert (shown.time() - town.clock.now()) == timedelta(hours=3)
        assert [quality for *_, quality, _ in await town.readings("m1", "volume_m3")][-1] == Quality.CLOCK
        # Without leave it is told, and nothing is set.
        shy = town.poller(town.link(town.settings("m1")))
        shown.set_clock_offset(timedelta(seconds=200))
        await shy.visit()
        assert shy.visitor.verdict.state is ClockState.DRIFTING
        assert shy.visitor.counters.clock_sets == 0


async def test_what_a_meter_does_not_have_does_not_cost_the_rest(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        town.meters.meters[1].meter.objects = {
            key: found for key, found in town.meters.meters[1].meter.objects.items() if str(key[1]) != "0-0:96.6.1*255"
        }
        poller = town.poller(town.link(town.settings("m1")))
        await poller.visit()
        assert poller.absent == ("battery_pct",)
        assert poller.reached
        assert await town.readings("m1", "volume_m3")


async def test_without_a_profile_fields_are_polled(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        poller = town.poller(town.link(town.settings("m1", profile=False, fields=("volume_m3",))))
        await poller.visit()
        ((time_ms, value, _, _),) = await town.readings("m1", "volume_m3")
        assert time_ms == int(START.timestamp() * 1000)
        assert value == town.customers.litres_at("m1", START) / 1000


def _driver(town: Street) -> SupplyDriver:
    settings = town.settings("m1", switch=True)
    return SupplyDriver(settings=settings.actuators[0], link=town.link(settings))


async def test_the_supply_is_switched_once_and_read_back(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        driver = _driver(town)
        assert await driver.read() == 1.0
        off = await driver.drive(0.0, allowed=lambda: True)
        assert (off.sent, off.verified, off.readback_m) == (True, True, 0.0)
        assert await driver.read() == 0.0
        withdrawn = await driver.drive(1.0, allowed=lambda: False)
        assert (withdrawn.sent, await driver.read()) == (False, 0.0)
        on = await driver.drive(1.0, allowed=lambda: True)
        assert on.verified
        assert not driver.leased


async def test_a_valve_that_does_not_move_is_a_failure_that_says_so(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        meter = town.meters.meters[1].meter
        control = next(found for (class_id, _), found in meter.objects.items() if class_id == 70)
        control.methods = {1: control.methods[1], 2: control.methods[1]}  # its motor runs one way only
        driver = _driver(town)
        await driver.drive(0.0, allowed=lambda: True)
        stuck = await driver.drive(1.0, allowed=lambda: True)
        assert (stuck.sent, stuck.verified, stuck.readback_m) == (True, False, 0.0)


async def test_the_states_of_a_prepaid_meter_and_a_token(tmp_path: Path) -> None:
    async with street(tmp_path, kind=MeterKind.PREPAID) as town:
        link = town.link(town.settings("m1"))
        poller = town.poller(link)
        await poller.visit()
        amount = town.meters.meters[1].purse.amount
        assert [value for _, value, _, _ in await town.readings("m1", "credit_amount")] == [amount]
        token = make_token(town.credentials["m1"].token_key, amount=100_000, number=1)
        entered = await link.run(Priority.COMMAND, lambda client: enter_token(client, token))
        assert entered.status is TokenStatus.EXECUTED
        credit = await link.run(Priority.COMMAND, read_credit)
        assert credit.amount == amount + 100_000
        assert (await link.run(Priority.COMMAND, read_account)).available_credit == max(0, credit.amount)
        assert (await link.run(Priority.COMMAND, read_charge)).total_paid == 2000 - amount
        twice = await link.run(Priority.COMMAND, lambda client: enter_token(client, token))
        assert twice.status is TokenStatus.VALIDATION_FAILURE
        assert twice.status.failed
        forged = await link.run(Priority.COMMAND, lambda client: enter_token(client, "9" * 20))
        assert forged.status is TokenStatus.AUTHENTICATION_FAILURE
        with pytest.raises(ValueError, match="20 decimal digits"):
            await link.run(Priority.COMMAND, lambda client: enter_token(client, "123"))


async def test_a_meter_that_takes_signatures(tmp_path: Path) -> None:
    def der(key: ec.EllipticCurvePrivateKey) -> tuple[bytes, bytes]:
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), public

    async with street(tmp_path, suite=1) as town:
        (own, own_public), (meters, meters_public) = (der(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
        one, meter = town.credentials["m1"], town.meters.meters[1].meter
        keys, signing = meter.clients[MANAGER].keys, SigningKeys.from_der(meters, own_public)
        meter.clients[16] = ServerAccess(mechanism=Mechanism.HLS_ECDSA, keys=keys, signing=signing, ciphered=True)
        secrets = MeterSecrets(
            encryption=one.encryption, authentication=one.authentication, signing=own, meter_public=meters_public
        )
        town.write_keys("m1", secrets)
        poller = town.poller(town.link(town.settings("m1", Access.ECDSA, ciphered=True)))
        await poller.visit()
        assert hourly(await town.readings("m1", "volume_m3")) == town.hours("m1", START - timedelta(days=3), START)


async def test_a_first_contact_takes_the_meters_word_for_its_counter(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        meter = town.meters.meters[1].meter
        meter.seen[MANAGER, b"KHT00001"] = 70_000
        poller = town.poller(town.link(town.settings("m1")))
        await poller.visit()
        assert poller.reached
        assert meter.seen[MANAGER, b"KHT00001"] > 70_000
        assert isinstance(meter.clients[MANAGER], ServerAccess)


async def test_rows_of_the_future_do_not_move_the_cursor(tmp_path: Path) -> None:
    async with street(tmp_path) as town:
        poller = town.poller(town.link(town.settings("m1")))
        await poller.visit()
        before = town.clock.now()
        town.clock.moment = before - timedelta(hours=6)  # ours was ahead
        await poller.visit()
        town.clock.moment = before + timedelta(hours=1)
        await poller.visit()
        volume = await town.readings("m1", "volume_m3")
        assert hourly(volume) == town.hours("m1", START - timedelta(days=3), town.clock.now())
        assert datetime.fromtimestamp(volume[-1][0] / 1000, UTC) <= town.clock.now()
