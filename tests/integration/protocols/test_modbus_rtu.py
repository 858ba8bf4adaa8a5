"""RTU over TCP and over a serial port: answers that are late, short, double or not ours never become values."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import DeviceError, DeviceRefused, DeviceTimeout
from protocols.modbus.bank import RegisterBank
from protocols.modbus.profile import Function, ReadRequest, encode_write, load_model, plan
from protocols.modbus.rtu_client import RtuClient
from protocols.modbus.rtu_line import RtuLine
from protocols.modbus.rtu_wires import SerialWire, TcpWire
from protocols.tasks import end_tasks
from tests.support.rtu_peer import RtuPeer, of_banks


def question(address: int, count: int = 4) -> ReadRequest:
    return ReadRequest(function=Function.HOLDING, address=address, count=count)


def right(request: ReadRequest) -> list[int]:
    return [(request.address + i) * 40503 & 0xFFFF for i in range(request.count)]


def client(peer: RtuPeer, *, unit_id: int = 5, timeout_s: float = 5.0, quiet_s: float = 0.1) -> RtuClient:
    return RtuClient(RtuLine(TcpWire("127.0.0.1", peer.port, baud=115200), quiet_s=quiet_s), unit_id=unit_id, timeout_s=timeout_s)


async def test_a_late_answer_is_not_the_answer_to_the_next_question() -> None:
    """The trap in its purest form: ask, time out, ask something else of the same length."""
    async with RtuPeer() as peer:
        asking = client(peer, timeout_s=0.3, quiet_s=0.5)
        peer.late, peer.late_by_s = 1.0, (0.4, 0.4)
        with pytest.raises(DeviceTimeout):
            await asking.read(question(900))
        peer.late_by_s = (0.2, 0.2)  # in time, but after the late one
        for address in (100, 7, 8):
            while True:
                try:
                    assert await asking.read(question(address)) == right(question(address))
                    break
                except DeviceTimeout:  # a slow machine; never a wrong value
                    continue
        await asking.close()


async def test_a_cancelled_question_leaves_no_answer_behind() -> None:
    async with RtuPeer() as peer:
        asking = client(peer, quiet_s=0.3)
        peer.late, peer.late_by_s = 1.0, (0.15, 0.15)
        task = asyncio.create_task(asking.read(question(900)))
        while not peer.asked:
            await asyncio.sleep(0.001)
        await end_tasks([task])
        peer.late_by_s = (0.3, 0.3)
        assert await asking.read(question(100)) == right(question(100))
        await asking.close()


async def shift_hunt(questions: int, lines: int) -> tuple[int, int, int]:
    """Many questions over many lines with 5 % late, 1 % short, 1 % foreign and 1 % double answers: good, failed, wrong."""
    good = failed = wrong = 0

    async def one(seed: int) -> None:
        nonlocal good, failed, wrong
        async with RtuPeer(seed=seed) as peer:
            peer.late, peer.short, peer.foreign, peer.doubled = 0.05, 0.01, 0.01, 0.01
            peer.late_by_s = (0.25, 0.5)
            asking = client(peer, timeout_s=0.2, quiet_s=1.0)
            for i in range(questions // lines):
                request = question((seed * 7919 + i * 104729) % 60_000)
                try:
                    found = await asking.read(request)
                except DeviceError:
                    failed += 1
                else:
                    good += found == right(request)
                    wrong += found != right(request)
            await asking.close()

    await asyncio.gather(*(one(seed) for seed in range(lines)))
    return good, failed, wrong


async def test_late_short_double_and_foreign_answers_give_no_wrong_value() -> None:
    good, failed, wrong = await shift_hunt(1500, 50)
    assert wrong == 0
    assert failed > 0  # the faults were there
    assert good > 750


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_a_hundred_thousand_questions_give_no_wrong_value() -> None:
    good, failed, wrong = await shift_hunt(100_000, 100)
    print(f"good {good}, failed {failed}, wrong {wrong}")
    assert wrong == 0
    assert good > 80_000


async def test_others_may_be_asked_while_one_is_quiet() -> None:
    """The quiet time is the silent unit's own; the bus is not thrown away with it."""
    async with RtuPeer() as peer:
        line = RtuLine(TcpWire("127.0.0.1", peer.port), quiet_s=3600.0)
        peer.give = lambda unit, pdu: None if unit == 3 else RtuPeer().give(unit, pdu)
        with pytest.raises(DeviceTimeout):
            await RtuClient(line, unit_id=3, timeout_s=0.05).read(question(1))
        for unit in (1, 2):
            assert await RtuClient(line, unit_id=unit, timeout_s=5).read(question(unit)) == right(question(unit))
        await line.close()


async def test_an_answer_later_than_the_quiet_time_lengthens_it() -> None:
    async with RtuPeer() as peer:
        line = RtuLine(TcpWire("127.0.0.1", peer.port), quiet_s=0.05)
        slow, other = (RtuClient(line, unit_id=u, timeout_s=t) for u, t in ((3, 0.03), (4, 5.0)))
        peer.late, peer.late_by_s = 1.0, (0.6, 0.6)
        with pytest.raises(DeviceTimeout):
            await slow.read(question(1))
        peer.late = 0.0
        async with asyncio.timeout(60):
            while line.late_frames == 0:
                await other.read(question(2))
        assert line.quiet_s == pytest.approx(0.1)
        await line.close()


async def test_a_serial_server_that_hung_up_between_two_questions_is_called_again() -> None:
    async with RtuPeer() as peer:
        asking = client(peer)
        assert await asking.read(question(1)) == right(question(1))
        peer.hang_up()
        await asyncio.sleep(0.05)
        assert await asking.read(question(2)) == right(question(2))
        await asking.close()


async def test_exceptions_and_writes_and_bits() -> None:
    model = load_model("khettara_prv_plc")
    bank = RegisterBank(model)
    bank.set("setpoint_m", 40)
    async with RtuPeer(of_banks({5: bank})) as peer:
        asking = client(peer)
        with pytest.raises(DeviceRefused) as caught:
            await asking.read(question(900))
        assert caught.value.code == 2
        await asking.write(encode_write(model, "setpoint_m", 35.12))
        assert bank.get("setpoint_m") == 35.12
        (request,) = plan(model, ["setpoint_m"])
        assert await asking.read(request) == [3512]
        await asking.close()


@asynccontextmanager
async def serial_pair(peer: RtuPeer) -> AsyncIterator[str]:
    """A pseudo terminal with the peer at its other end."""
    master, slave = os.openpty()
    os.set_blocking(master, False)
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader()
    loop.add_reader(master, lambda: stream.feed_data(os.read(master, 4096)))
    peer.send = lambda data: (os.write(master, data), None)[1]
    task = asyncio.create_task(peer.listen(stream.readexactly))
    try:
        yield os.ttyname(slave)
    finally:
        loop.remove_reader(master)
        await end_tasks([task])
        os.close(master)
        os.close(slave)


async def test_a_serial_port() -> None:
    peer = RtuPeer()
    async with serial_pair(peer) as path:
        line = RtuLine(SerialWire(path, baud=115200, parity="N"), quiet_s=0.3)
        asking = RtuClient(line, unit_id=5, timeout_s=0.3)
        assert await asking.read(question(100, 10)) == right(question(100, 10))
        peer.late, peer.late_by_s = 1.0, (0.4, 0.4)
        with pytest.raises(DeviceTimeout):
            await asking.read(question(900))
        peer.late = 0.0
        assert await asking.read(question(7)) == right(question(7))
        await line.close()


async def test_what_is_no_serial_port_is_said_clearly(tmp_path: object) -> None:
    with pytest.raises(DeviceTimeout, match="does not open"):
        await RtuClient(RtuLine(SerialWire("/nonexistent/tty")), unit_id=1, timeout_s=1).read(question(1))
    with pytest.raises(ValueError, match="no setting"):
        SerialWire("/dev/null", baud=1)
