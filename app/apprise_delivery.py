"""One message to one address, by Apprise: SMS gateways, e-mail, webhooks, WhatsApp, ntfy and what else it knows."""

from __future__ import annotations

import asyncio
import warnings
from urllib.parse import quote

from alerts.notifier import DeliveryFailed

_LONGEST_S = 60.0
_TAKES_HEADERS = ("json", "jsons", "xml", "xmls", "form", "forms")


async def deliver_by_apprise(url: str, *, title: str, body: str, key: str) -> None:
    """``alerts.notifier.Deliver`` for any Apprise URL. Webhooks get ``key`` as header Idempotency-Key, to tell a repetition by.

    One target a call: the answer is that target's own. The address is in no error and no log: it holds secrets.
    """
    with warnings.catch_warnings():  # plug-ins are loaded here, some over modules that Python 3.13 drops
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        target = apprise.Apprise()
        scheme = url.split(":", 1)[0].lower() if ":" in url else ""
        if scheme in _TAKES_HEADERS:
            url += ("&" if "?" in url else "?") + "+Idempotency-Key=" + quote(key, safe="")
        understood = target.add(url)
    if not understood:
        raise DeliveryFailed(f"the {scheme or 'empty'} address of this channel is none that Apprise understands")
    try:
        async with asyncio.timeout(_LONGEST_S):
            taken = await target.async_notify(body=body, title=title)
    except TimeoutError:
        raise DeliveryFailed(f"no answer within {_LONGEST_S:.0f} s") from None
    if not taken:
        raise DeliveryFailed("the other side did not take it")
