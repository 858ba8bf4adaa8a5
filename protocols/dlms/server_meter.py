"""A simulated meter between associations: its objects, who is let in, and the counters that go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.dlms.acse import Mechanism
from protocols.dlms.data import Data, Kind, array, octets, structure
from protocols.dlms.obis import Obis
from protocols.dlms.security import Keys
from protocols.dlms.server_objects import MeterObject
from protocols.dlms.session import AUTHENTICATE
from protocols.dlms.signature import SigningKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How one client address is let in."""

    mechanism: Mechanism = Mechanism.NONE
    password: bytes | None = field(default=None, repr=False)
    keys: Keys | None = None
    signing: SigningKeys | None = None
    """Of HLS-ECDSA: the meter's private key and the client's public one."""
    ciphered: bool = False
    """Whether the association must be ciphered."""


class Meter:
    """The objects of one meter, its clients, and the counters that outlive an association."""

    def __init__(
        self, *, title: bytes, objects: list[MeterObject], clients: Mapping[int, Access], max_pdu: int = 1024, counter: int = 0
    ) -> None:
        """``title`` is the system title; ``max_pdu`` the longest APDU taken; ``counter`` the first invocation counter used."""
        self.title = title
        self.clients = dict(clients)
        self.max_pdu = max_pdu
        self.locked = False
        """Whether it refuses everybody who must prove something, for now."""
        self.replayed = 0
        """APDUs refused because their invocation counter had been used."""
        self.seen: dict[tuple[int, bytes], int] = {}
        """The last counter of each client and title under the global key."""
        self.objects: dict[tuple[int, Obis], MeterObject] = {(o.class_id, o.obis): o for o in objects}
        self._counter = counter
        listed = MeterObject(class_id=15, obis=AUTHENTICATE.obis, version=1, attributes={2: self._object_list})
        self.objects[15, AUTHENTICATE.obis] = listed

    def next_counter(self) -> int:
        """An invocation counter never used before by this meter."""
        self._counter += 1
        return self._counter - 1

    def _object_list(self) -> Data:
        return array(_listed(found) for found in self.objects.values())


def _listed(found: MeterObject) -> Data:
    """One element of an object list, with access rights: read, or read and write; every method."""
    attributes = [
        structure(Data(Kind.INTEGER, number), Data(Kind.ENUM, 3 if number in found.writable else 1), Data(Kind.NULL))
        for number in (1, *sorted(found.attributes))
    ]
    methods = [structure(Data(Kind.INTEGER, number), Data(Kind.ENUM, 1)) for number in sorted(found.methods)]
    rights = structure(array(attributes), array(methods))
    version = Data(Kind.UNSIGNED, found.version)
    return structure(Data(Kind.LONG_UNSIGNED, found.class_id), version, octets(found.obis), rights)
