"""What a meter may answer instead of a value, sorted by what the caller should do about it.

DeviceError
├── DeviceTimeout                 no answer in time                                     (retryable)
│   └── ConnectionLost            the peer closed the connection                        (retryable)
├── SecurityFailed                the meter's answer is not from who holds the keys, or is a replay
├── CounterExhausted              no invocation counter is left under this key
└── DeviceRefused
    ├── AssociationRefused        the association was not granted
    ├── AccessRefused             data-access-result or action-result other than success
    └── ServiceRefused            exception-response or confirmed-service-error
        └── CounterRejected       our invocation counter is behind the meter's
"""

from __future__ import annotations

from enum import StrEnum

from domain.errors import DeviceError, DeviceRefused, DeviceTimeout


class Trouble(StrEnum):
    """Why a meter refused, as the edge's policy needs it."""

    BUSY = "busy"
    """Ask again later."""
    CREDENTIALS = "credentials"
    """Password or key is wrong: asking again may lock the meter. Quarantine and alarm."""
    LOCKED = "locked"
    """The meter refuses everybody for now. Quarantine and alarm."""
    COUNTER = "counter"
    """The invocation counter is behind: resynchronise once."""
    NOT_PERMITTED = "not_permitted"
    """This client may not do this."""
    NOT_THERE = "not_there"
    """No such object, attribute or method."""
    UNSUPPORTED = "unsupported"
    """The meter does not know the service or context."""
    BAD_VALUE = "bad_value"
    """Type, range or block does not fit."""
    HARDWARE = "hardware"
    """The meter has a fault."""
    OTHER = "other"

    @property
    def quarantine(self) -> bool:
        """Whether asking again by itself may do harm."""
        return self in (Trouble.CREDENTIALS, Trouble.LOCKED)


class ConnectionLost(DeviceTimeout):
    """The peer closed the connection; said at once, not when a timer runs out."""


class SecurityFailed(DeviceError):
    """The meter's answer cannot be authenticated, comes unprotected, or repeats an old counter."""


class CounterExhausted(DeviceError):
    """No invocation counter is left under this key: the key must be changed."""


class DlmsRefused(DeviceRefused):
    """The meter answered, and the answer is no.

    Args:
        code: The protocol's number.
        trouble: What kind of refusal it is.
        detail: The request, and the number's name.
    """

    def __init__(self, code: int, trouble: Trouble, detail: str) -> None:
        super().__init__(code, f"{detail} ({trouble.value})")
        self.trouble = trouble
        self.retryable = trouble is Trouble.BUSY


class AssociationRefused(DlmsRefused):
    """The association was not granted; ``code`` is the diagnostic."""


class AccessRefused(DlmsRefused):
    """An attribute or method was refused; ``code`` is the data-access-result or action-result."""


class ServiceRefused(DlmsRefused):
    """A whole request was refused; ``code`` is 256 × state error + service error."""


class CounterRejected(ServiceRefused):
    """The meter has seen a higher invocation counter than ours.

    Args:
        last: The highest counter the meter has seen; None where it does not say.
    """

    def __init__(self, code: int, last: int | None, detail: str) -> None:
        super().__init__(code, Trouble.COUNTER, detail)
        self.last = last


ACCESS_RESULTS: dict[int, tuple[str, Trouble]] = {
    1: ("hardware fault", Trouble.HARDWARE),
    2: ("temporary failure", Trouble.BUSY),
    3: ("read-write denied", Trouble.NOT_PERMITTED),
    4: ("object undefined", Trouble.NOT_THERE),
    9: ("object class inconsistent", Trouble.NOT_THERE),
    11: ("object unavailable", Trouble.NOT_THERE),
    12: ("type unmatched", Trouble.BAD_VALUE),
    13: ("scope of access violated", Trouble.NOT_PERMITTED),
    14: ("data block unavailable", Trouble.BAD_VALUE),
    15: ("long transfer aborted", Trouble.BAD_VALUE),
    16: ("no long transfer in progress", Trouble.BAD_VALUE),
    17: ("long set aborted", Trouble.BAD_VALUE),
    18: ("no long set in progress", Trouble.BAD_VALUE),
    19: ("data block number invalid", Trouble.BAD_VALUE),
    250: ("other reason", Trouble.OTHER),
}
"""Data-Access-Result and Action-Result (Green Book 9.5); the two enumerations agree where both have a number."""


def access_refused(code: int, what: str) -> AccessRefused:
    """The error for a result code other than success."""
    name, trouble = ACCESS_RESULTS.get(code, ("unknown result", Trouble.OTHER))
    return AccessRefused(code, trouble, f"{what}: {name}")
