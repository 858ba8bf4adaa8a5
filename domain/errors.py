"""One tree of errors for the whole house.

    KhettaraError
    ├── ConfigurationError     a file says something that cannot be: file, key, value, what would be right
    ├── UnitError              a unit or quantity that does not exist or does not fit
    ├── DecodeError            bytes that are not what they claim to be; becomes a dead letter with ``reason``
    ├── DeviceError            a field device answered wrongly or not at all
    │   ├── DeviceTimeout      no answer in time                                           (retryable)
    │   └── DeviceRefused      the device answered with an exception code
    ├── StorageError           the database could not take or give what was asked
    │   └── StorageUnavailable the database is away                                        (retryable)
    └── NotAllowed             the caller has no right to do this

``retryable`` says whether the same call may succeed later without anybody changing anything.
"""

from __future__ import annotations


class KhettaraError(Exception):
    """Root of every error this product raises on purpose."""

    retryable: bool = False


class ConfigurationError(KhettaraError):
    """A configuration file says something that cannot be.

    Args:
        file: Name of the file, as the user knows it.
        key: Dotted path of the key inside the file, e.g. ``zone[2].inlets``.
        value: The value found there.
        expected: What would be right, as a sentence fragment.
    """

    def __init__(self, *, file: str, key: str, value: object, expected: str) -> None:
        self.file = file
        self.key = key
        self.value = value
        self.expected = expected
        super().__init__(f"{file}: {key} = {value!r} is not right; expected {expected}")


class UnitError(KhettaraError):
    """A unit that is not known, or does not measure the quantity asked for."""


class DecodeError(KhettaraError):
    """Bytes that are not what they claim to be.

    Args:
        reason: Short stable code, used as the dead letter's reason and as a metric label, e.g. ``decode_error``.
        detail: What was wrong, where, with the offending value.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


class DeviceError(KhettaraError):
    """A field device answered wrongly or not at all."""


class DeviceTimeout(DeviceError):
    """No answer in time; the device may still be busy with the request."""

    retryable = True


class DeviceRefused(DeviceError):
    """The device answered with an exception code.

    Args:
        code: The protocol's own exception code.
        detail: The request that was refused.
    """

    def __init__(self, code: int, detail: str) -> None:
        self.code = code
        super().__init__(f"device refused with code {code}: {detail}")


class StorageError(KhettaraError):
    """The database could not take or give what was asked."""


class StorageUnavailable(StorageError):
    """The database is away; the same call may succeed later."""

    retryable = True


class CodedError(KhettaraError):
    """What cannot be done, with a stable code by which pages say it in their language.

    Args:
        code: A word that stays the same from release to release.
        text: The same in English, with the numbers.
    """

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class NotAllowed(KhettaraError):
    """The caller has no right to do this."""
