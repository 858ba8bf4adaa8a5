"""What one poll asks for, and what it has learned of the device's holes. Pure.

Reading across a gap saves requests where the device allows it. Some refuse with exception 2 instead: then the request is cut in two
at its widest gap, for good. A field that is refused all alone is left out, and tried again now and then.
"""

from __future__ import annotations

from collections.abc import Iterable

from protocols.modbus.model import DeviceModel
from protocols.modbus.requests import ReadRequest, plan


class ReadPlan:
    """The requests of one device."""

    def __init__(self, model: DeviceModel, fields: Iterable[str] | None = None) -> None:
        """Begins with the fewest requests that the model allows. Raises ``ConfigurationError`` for an unknown field."""
        self._model = model
        self._requests = list(plan(model, fields))
        self._absent: list[ReadRequest] = []

    @property
    def requests(self) -> tuple[ReadRequest, ...]:
        """What a poll asks for now."""
        return tuple(self._requests)

    @property
    def absent(self) -> tuple[str, ...]:
        """Fields that the device does not have, it says."""
        return tuple(name for request in self._absent for name in request.fields)

    def refused(self, request: ReadRequest) -> tuple[ReadRequest, ...]:
        """Learns that the device has a hole in this request; returns what to ask instead, nothing for a single field."""
        if request not in self._requests:
            return ()
        at = self._requests.index(request)
        parts = self._halves(request)
        self._requests[at : at + 1] = parts
        if not parts:
            self._absent.append(request)
        return parts

    def revive(self) -> None:
        """Asks again for what was refused: a device may have been repaired or set up meanwhile."""
        self._requests += self._absent
        self._absent.clear()

    def probe(self) -> ReadRequest | None:
        """The smallest question that shows whether the device is there: one field."""
        fields = [self._model.field(name) for request in (*self._requests, *self._absent) for name in request.fields]
        if not fields:
            return None
        least = min(fields, key=lambda field: field.type.words)
        return ReadRequest(function=least.function, address=least.address, count=least.type.words, fields=(least.name,))

    def _halves(self, request: ReadRequest) -> tuple[ReadRequest, ...]:
        fields = sorted((self._model.field(name) for name in request.fields), key=lambda field: field.address)
        if len(fields) < 2:
            return ()
        middle = len(fields) / 2
        cut = max(range(1, len(fields)), key=lambda i: (fields[i].address - fields[i - 1].end, -abs(i - middle)))
        return tuple(
            ReadRequest(
                function=request.function,
                address=part[0].address,
                count=part[-1].end - part[0].address,
                fields=tuple(field.name for field in part),
            )
            for part in (fields[:cut], fields[cut:])
        )
