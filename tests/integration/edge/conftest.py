"""A broker and a small centre for the gateway's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from protocols.tasks import end_tasks
from tests.support.mosquitto import Mosquitto, mosquitto
from tests.support.receiver import Receiver


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
async def centre(broker: Mosquitto) -> AsyncIterator[Receiver]:
    receiver, ready = Receiver(broker.port), asyncio.Event()
    task = asyncio.create_task(receiver.run(ready))
    await ready.wait()
    yield receiver
    await end_tasks([task])
