"""Probing and scanning real servers on this machine."""

from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from app.edge_probe import Found, numbers, probe, run_scan, scan
from domain.errors import ConfigurationError
from protocols.modbus.client import ModbusClient
from protocols.modbus.profile import load_model
from protocols.modbus.server import RegisterBank, RegisterServer


def test_ranges() -> None:
    assert numbers("1-3,7,2", "--units", 0, 255) == [1, 2, 3, 7]
    for wrong in ("", "a", "3-1", "1-", "0-256", "1,,2"):
        with pytest.raises(ConfigurationError, match="--units"):
            numbers(wrong, "--units", 0, 255)


def test_a_scan_that_asks_too_much_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at most 4096"):
        run_scan("127.0.0.1", "1000-2000", "1-247", timeout_s=0.1, rtu=False, console=Console(file=io.StringIO()))


async def test_a_probe_reads_every_field_and_says_what_it_could_not() -> None:
    model = load_model("khettara_prv_plc")
    bank = RegisterBank(model)
    bank.set("setpoint_m", 40)
    bank.set("inlet_m", None)
    async with RegisterServer({3: bank}) as server:
        client = ModbusClient("127.0.0.1", server.port, unit_id=3, timeout_s=10)
        values, faults = await probe(client, model)
        assert (values["setpoint_m"], values["inlet_m"], faults) == (40, None, [])
        bank.exception = 2
        values, faults = await probe(client, model)
        assert values == {}
        assert len(faults) == 2
        await client.close()


async def test_a_scan_finds_who_answers_and_asks_closed_ports_once() -> None:
    quiet = RegisterBank(load_model("khettara_prv_plc"))
    quiet.exception = 3
    async with RegisterServer({2: RegisterBank(load_model("khettara_prv_plc")), 4: quiet}) as server:
        async with RegisterServer({}) as other:
            closed = other.port
        found = [f async for f in scan("127.0.0.1", [closed, server.port], [1, 2, 3, 4], timeout_s=10, rtu=False)]
    assert found[0] == Found(port=closed, unit_id=1, answers=False, what="port is closed")
    assert [(f.unit_id, f.answers) for f in found[1:]] == [(1, False), (2, True), (3, False), (4, True)]
    await asyncio.sleep(0)
