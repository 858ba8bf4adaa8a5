"""Reasons of refusals as JSON holds them."""

from __future__ import annotations

import math
from typing import Any

from domain.setpoints import Reason


def plain_reason(reason: Reason) -> dict[str, Any]:
    """Code, text, and the numbers that JSON can hold."""
    numbers = {name: value for name, value in reason.parameters.items() if math.isfinite(value)}
    return {"code": reason.code, "text": reason.text} | ({"parameters": numbers} if numbers else {})
