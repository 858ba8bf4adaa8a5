"""A dispatch that is told to end, ends: also where a library below swallows the first cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commands.dispatch import CommandDispatch
from commands.settings import BrokerSettings
from protocols.tasks import end_tasks
from tests.support.desk import SetClock, small_site


class StubbornClient:
    """A client whose stream of messages swallows one cancellation, as ``asyncio.wait_for`` may on Python 3.11."""

    def __init__(self) -> None:
        self.swallowed = 0

    async def __aenter__(self) -> StubbornClient:
        return self

    async def __aexit__(self, *_error: object) -> None:
        return None

    async def subscribe_to(self, *_args: object, **_options: object) -> None:
        return None

    @property
    def messages(self) -> AsyncIterator[object]:
        return self._messages()

    async def _messages(self) -> AsyncIterator[object]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.swallowed += 1
        await asyncio.Event().wait()
        yield None


async def test_one_swallowed_cancellation_does_not_keep_it_alive() -> None:
    dispatch = CommandDispatch(
        broker=BrokerSettings(host="127.0.0.1"),
        private_key=Ed25519PrivateKey.generate(),
        inventory=small_site(),
        clock=SetClock(),
    )
    client = StubbornClient()
    dispatch._client = lambda: client  # type: ignore[assignment, return-value]  # as much of a client as the end meets
    task = asyncio.create_task(dispatch.run())
    async with asyncio.timeout(60):
        await dispatch.connected.wait()
        await asyncio.sleep(0)
        await end_tasks([task])
    assert client.swallowed == 1
    assert task.cancelled()
