"""Prepayment (Blue Book: account 111, credit 112, charge 113, token gateway 115): its states, and entering a token."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from protocols.dlms.action import Method
from protocols.dlms.data import Data, Kind, items_of, octets
from protocols.dlms.get import Attribute
from protocols.dlms.obis import Obis
from protocols.dlms.objects import whole_number
from protocols.dlms.reader import wrong

M = TypeVar("M", bound=IntEnum)
ACCOUNT_CLASS, CREDIT_CLASS, CHARGE_CLASS, TOKEN_GATEWAY_CLASS = 111, 112, 113, 115
ACCOUNT, CREDIT, CHARGE = Obis("0-0:19.0.0*255"), Obis("0-0:19.10.0*255"), Obis("0-0:19.20.0*255")
TOKEN_GATEWAY = Obis("0-0:19.40.0*255")
TOKEN_DIGITS = 20
"""Length of an STS token (IEC 62055-41) as printed."""


class AccountStatus(IntEnum):
    """Second half of ``account_mode_and_status``."""

    NEW = 1
    ACTIVE = 2
    CLOSED = 3


class CreditStatus(IntEnum):
    """Attribute 8 of a credit."""

    ENABLED = 0
    SELECTABLE = 1
    SELECTED = 2
    IN_USE = 3
    EXHAUSTED = 4


class TokenStatus(IntEnum):
    """What became of a token: ``status_code`` of attribute 6."""

    FORMAT_OK = 0
    AUTHENTICATION_OK = 1
    VALIDATION_OK = 2
    EXECUTED = 3
    FORMAT_FAILURE = 4
    AUTHENTICATION_FAILURE = 5
    VALIDATION_FAILURE = 6
    EXECUTION_FAILURE = 7
    RECEIVED = 8
    """Taken, and not processed yet."""

    @property
    def failed(self) -> bool:
        """Whether the meter has refused the token for good."""
        return TokenStatus.FORMAT_FAILURE <= self <= TokenStatus.EXECUTION_FAILURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Attributes 2, 3, 5, 6 and 8 of an account; amounts in the meter's own unit."""

    mode: int
    """1 credit, 2 prepayment."""
    status: AccountStatus
    credit_in_use: int
    available_credit: int
    amount_to_clear: int
    aggregated_debt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Attributes 2, 3, 4, 5, 6 and 8 of a credit."""

    amount: int
    kind: int
    """0 token, 1 reserved, 2 emergency, 3 time based, 4 consumption based."""
    priority: int
    warning_threshold: int
    limit: int
    status: CreditStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Attributes 2, 3, 4, 11 and 12 of a charge."""

    total_paid: int
    kind: int
    """0 by consumption, 1 by time, 2 by payment."""
    priority: int
    last_collected: int
    remaining: int


def attributes(class_id: int, obis: Obis, *numbers: int) -> tuple[Attribute, ...]:
    """These attributes of one object."""
    return tuple(Attribute(class_id=class_id, obis=obis, attribute=number) for number in numbers)


ACCOUNT_ATTRIBUTES, CREDIT_ATTRIBUTES, CHARGE_ATTRIBUTES = (2, 3, 5, 6, 8), (2, 3, 4, 5, 6, 8), (2, 3, 4, 11, 12)


def account_of(found: list[Data]) -> Account:
    """Out of ``ACCOUNT_ATTRIBUTES``.

    Raises:
        DecodeError: They are none of an account.
    """
    fields = items_of(found[0], "account mode and status")
    if len(fields) != 2:
        raise wrong(f"account mode and status of {len(fields)} fields")
    mode, status = (whole_number(field, "account mode and status") for field in fields)
    in_use, available, to_clear, debt = (whole_number(data, "account") for data in found[1:])
    return Account(
        mode=mode,
        status=_member(AccountStatus, status),
        credit_in_use=in_use,
        available_credit=available,
        amount_to_clear=to_clear,
        aggregated_debt=debt,
    )


def credit_of(found: list[Data]) -> Credit:
    """Out of ``CREDIT_ATTRIBUTES``.

    Raises:
        DecodeError: They are none of a credit.
    """
    amount, kind, priority, warning, limit, status = (whole_number(data, "credit") for data in found)
    return Credit(
        amount=amount,
        kind=kind,
        priority=priority,
        warning_threshold=warning,
        limit=limit,
        status=_member(CreditStatus, status),
    )


def charge_of(found: list[Data]) -> Charge:
    """Out of ``CHARGE_ATTRIBUTES``.

    Raises:
        DecodeError: They are none of a charge.
    """
    paid, kind, priority, last, remaining = (whole_number(data, "charge") for data in found)
    return Charge(total_paid=paid, kind=kind, priority=priority, last_collected=last, remaining=remaining)


def token_status_of(data: Data) -> tuple[TokenStatus, str]:
    """Attribute 6 of a token gateway: status, and the bits the meter adds.

    Raises:
        DecodeError: It is none.
    """
    fields = items_of(data, "token status")
    if len(fields) != 2 or fields[1].kind is not Kind.BIT_STRING:
        raise wrong("a token status that is not an enumeration and a bit string")
    return _member(TokenStatus, whole_number(fields[0], "token status")), fields[1].value


def token_data(digits: str) -> Data:
    """A token as the gateway takes it: its digits as octets.

    Raises:
        ValueError: It is not 20 decimal digits; spaces and hyphens between them are left out.
    """
    bare = digits.replace(" ", "").replace("-", "")
    if len(bare) != TOKEN_DIGITS or not (bare.isascii() and bare.isdigit()):
        raise ValueError(f"a token has {TOKEN_DIGITS} decimal digits, {len(bare)} characters were given")
    return octets(bare.encode())


def enter_method(obis: Obis = TOKEN_GATEWAY) -> Method:
    """``enter`` of a token gateway."""
    return Method(class_id=TOKEN_GATEWAY_CLASS, obis=obis, method=1)


def _member(words: type[M], number: int) -> M:
    if number not in set(words):
        raise wrong(f"{words.__name__} {number} is not known")
    return words(number)
