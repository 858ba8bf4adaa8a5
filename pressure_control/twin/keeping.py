"""What a ``ZoneTwin`` learned as a JSON text that survives a restart, with its version, data span and the copy it belongs to."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np

from domain.errors import ConfigurationError, KhettaraError
from pressure_control.twin.zone_model import ZoneModel
from pressure_control.twin.zone_twin import ZoneTwin

VERSION = 1
_M3H_PER_CONNECTION = 0.02
"""About half a cubic metre a day: a flow to know a copy by."""
_MONDAY_EIGHT_S = 8 * 3600.0


def twin_to_json(twin: ZoneTwin) -> str | None:
    """The text; None while nothing was learned."""
    if not twin.residuals or not math.isfinite(twin.from_s) or not math.isfinite(twin.until_s):
        return None
    return json.dumps(
        {
            "version": VERSION,
            "data_from": datetime.fromtimestamp(twin.from_s, UTC).isoformat(),
            "data_until": datetime.fromtimestamp(twin.until_s, UTC).isoformat(),
            "step_s": twin.step_s,
            "copy": fingerprint(twin.model, twin.valves),
            **twin.state(),
        },
        sort_keys=True,
    )


def restore_twin(twin: ZoneTwin, text: str) -> None:
    """Gives a twin what such a text says was learned; one that is refused is left as it was.

    Raises:
        ConfigurationError: Not such a text, damaged, of another version, or learned on another copy: learn anew.
    """
    try:
        data: dict[str, Any] = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError("another version")
        if data["copy"] != fingerprint(twin.model, twin.valves):
            raise ValueError("another copy of the network")
        span = [datetime.fromisoformat(data[key]).timestamp() for key in ("data_from", "data_until")]
        step_s = float(data["step_s"])
        twin.restore(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            file="learned by a twin",
            key=str(error),
            value=str(text)[:40],
            expected=f"what was learned on this copy, in version {VERSION}; delete it to learn anew",
        ) from None
    (twin.from_s, twin.until_s), twin.step_s = span, step_s


def fingerprint(model: ZoneModel, valves: tuple[str, ...]) -> str:
    """Tells one copy from another by what it answers: what was learned on one is no lesson for the next.

    Its places, and to the centimetre the losses without flow and at a usual one.
    """
    places, level = model.places, (0.0,) * len(valves)
    found = hashlib.sha256(repr((valves, places.names, places.nearest, places.points)).encode())
    answers = [*model.still(level)]
    try:
        answers += model.losses(_M3H_PER_CONNECTION * float(np.sum(places.connections)), _MONDAY_EIGHT_S, level)
    except KhettaraError:
        found.update(b"no solution")
    for losses in answers:
        found.update(np.round(losses * 100.0).astype(np.int64).tobytes())
    return found.hexdigest()[:16]
