"""The fields of a meter that are polled: few requests, scalers asked for once, one refused object does not cost the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.errors import DecodeError
from protocols.dlms.client import DlmsClient
from protocols.dlms.errors import AccessRefused, Trouble, access_refused
from protocols.dlms.get import Attribute, Result
from protocols.dlms.initiate import Conformance
from protocols.dlms.model import MeterField
from protocols.dlms.objects import ScalerUnit, scaler_unit_of

_LIST = 8
"""Attributes asked for by one request: meters with little memory take no more."""
_ABSENT = frozenset({Trouble.NOT_THERE, Trouble.NOT_PERMITTED, Trouble.UNSUPPORTED})


@dataclass(slots=True, kw_only=True)
class Registers:
    """What is known of a meter's registers."""

    scalers: dict[str, ScalerUnit] = field(default_factory=dict)
    """By field name: a scaler does not change while a meter hangs on the wall."""
    absent: dict[str, str] = field(default_factory=dict)
    """Fields that the meter says it does not have or does not show, with its words."""

    def revive(self) -> None:
        """Asks for absent fields again."""
        self.absent.clear()

    async def learn_scalers(self, client: DlmsClient, fields: Sequence[MeterField]) -> None:
        """Asks for the scalers that are not known yet; raises as ``read``."""
        unknown = [(f, f.scaler_unit) for f in fields if f.name not in self.scalers and f.name not in self.absent]
        asked = [(f, attribute) for f, attribute in unknown if attribute is not None]
        for (found, _), result in zip(asked, await _get_all(client, [attribute for _, attribute in asked]), strict=True):
            if result.data is None:
                self._refused(found, result)
            else:
                self.scalers[found.name] = scaler_unit_of(result.data)

    async def read(self, client: DlmsClient, fields: Sequence[MeterField]) -> tuple[dict[str, float | None], list[str]]:
        """Values by field name, and what was wrong with the others.

        Raises:
            DeviceError: The meter does not answer, or refuses the association.
            AccessRefused: The meter is busy.
        """
        await self.learn_scalers(client, fields)
        wanted = [f for f in fields if f.name not in self.absent]
        attributes = list(dict.fromkeys(f.attribute for f in wanted))  # several bits of one register are asked for once
        found = dict(zip(attributes, await _get_all(client, attributes), strict=True))
        values: dict[str, float | None] = {}
        faults: list[str] = []
        for one in wanted:
            result = found[one.attribute]
            if result.data is None:
                self._refused(one, result)
                faults.append(f"{one.name}: {self.absent[one.name]}")
                continue
            try:
                values[one.name] = one.value(result.data, self.scalers.get(one.name))
            except DecodeError as error:
                faults.append(str(error))
        return values, faults

    def _refused(self, found: MeterField, result: Result) -> None:
        error = access_refused(result.error, str(found.attribute))
        if error.trouble not in _ABSENT:
            raise error
        self.absent[found.name] = str(error)


async def _get_all(client: DlmsClient, attributes: Sequence[Attribute]) -> list[Result]:
    """A result for each attribute, by lists where the meter has agreed to them."""
    if not attributes:
        return []
    await client.connect()
    results: list[Result] = []
    if Conformance.MULTIPLE_REFERENCES in client.granted.conformance and len(attributes) > 1:
        for start in range(0, len(attributes), _LIST):
            results += await client.get_many(attributes[start : start + _LIST])
        return results
    for attribute in attributes:
        try:
            results.append(Result(await client.get(attribute)))
        except AccessRefused as error:
            results.append(Result(None, error.code))
    return results
