"""Which format is read by what. The one place to add a decoder to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from protocols.foreign import chirpstack, plain_json, senml, wmbusmeters
from protocols.foreign.model import Decoder

DECODERS: Mapping[str, Decoder] = MappingProxyType(
    {
        "json": plain_json.decode,
        "senml": senml.decode,
        "chirpstack": chirpstack.decode,
        "wmbusmeters": wmbusmeters.decode,
    }
)
