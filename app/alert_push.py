"""One alert to one machine: an Alertmanager, or whatever takes its webhook."""

from __future__ import annotations

import httpx

from alerts.notifier import DeliveryFailed

_LONGEST_S = 20.0


async def push_alert(url: str, *, body: object, key: str) -> None:
    """``alerts.notifier.Push`` by HTTP. A name and password in the address are sent as basic authentication, and shown nowhere.

    Raises:
        DeliveryFailed: The other side was not reached, or did not take it; its answer is in the text, its address is not.
    """
    try:
        async with httpx.AsyncClient(timeout=_LONGEST_S, follow_redirects=False) as client:
            answer = await client.post(url, json=body, headers={"Idempotency-Key": key})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Only the kind of the error: its text may hold the address.
        raise DeliveryFailed(f"not reached: {type(error).__name__}") from None
    if not answer.is_success:
        raise DeliveryFailed(f"answered {answer.status_code}: {' '.join(answer.text.split())[:120]}")
