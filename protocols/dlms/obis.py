"""OBIS codes: which quantity of a meter is meant (IEC 62056-6-1): medium A-channel B:value C.processing D.tariff E*billing F."""

from __future__ import annotations

import re
from typing import Self

_FORM = re.compile(r"(\d+)[-.](\d+)[:.](\d+)\.(\d+)\.(\d+)(?:[.*&](\d+))?")


class Obis(bytes):
    """Six bytes A-F; as text ``1-0:1.8.0*255``."""

    __slots__ = ()

    def __new__(cls, value: bytes | str) -> Self:
        """From six bytes, or from ``1-0:1.8.0*255``, ``1-0:1.8.0`` or ``1.0.1.8.0.255``.

        Raises:
            ValueError: It is none of these.
        """
        if isinstance(value, str):
            found = _FORM.fullmatch(value)
            if found is None:
                raise ValueError(f"{value!r} is no OBIS code; written 1-0:1.8.0*255 or 1.0.1.8.0.255")
            groups = [int(group) for group in found.groups(default="255")]
            if max(groups) > 255:
                raise ValueError(f"{value!r} is no OBIS code: each group is within 0..255")
            value = bytes(groups)
        if len(value) != 6:
            raise ValueError(f"an OBIS code has six bytes, not {len(value)}")
        return super().__new__(cls, value)

    def __str__(self) -> str:
        a, b, c, d, e, f = self
        return f"{a}-{b}:{c}.{d}.{e}*{f}"

    def __repr__(self) -> str:
        return f"Obis({str(self)!r})"
