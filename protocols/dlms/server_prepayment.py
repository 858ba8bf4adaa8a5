"""Prepayment objects of a simulated meter: account, credit, charge, token gateway. Tokens are ours, not STS.

A token of 20 digits is ``amount (6) number (4) check (10)``; the check is a keyed hash, so that a token made up fails, and a number
counts once.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from protocols.dlms.action import ActionResult
from protocols.dlms.data import Data, Kind, array, octets, structure
from protocols.dlms.datetimes import encode_date_time
from protocols.dlms.prepayment import (
    ACCOUNT,
    ACCOUNT_CLASS,
    CHARGE,
    CHARGE_CLASS,
    CREDIT,
    CREDIT_CLASS,
    TOKEN_DIGITS,
    TOKEN_GATEWAY,
    TOKEN_GATEWAY_CLASS,
    TokenStatus,
)
from protocols.dlms.server_objects import UNMATCHED, Live, MeterObject


def make_token(key: bytes, *, amount: int, number: int) -> str:
    """A token for this meter.

    Raises:
        ValueError: Amount or number does not fit its digits.
    """
    if not 0 <= amount <= 999_999 or not 0 <= number <= 9_999:
        raise ValueError(f"amount {amount} within 0..999999 and number {number} within 0..9999")
    head = f"{amount:06d}{number:04d}"
    return head + _check(key, head)


def _check(key: bytes, head: str) -> str:
    digest = hmac.new(key, head.encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**10:010d}"


@dataclass(slots=True, kw_only=True)
class Purse:
    """Credit of one meter. ``used`` is what consumption has cost since the beginning, worked out by its owner."""

    key: bytes = field(repr=False)
    used: Callable[[], int]
    bought: int = 0
    numbers: set[int] = field(default_factory=set)
    status: TokenStatus = TokenStatus.FORMAT_OK

    @property
    def amount(self) -> int:
        """Credit left."""
        return self.bought - self.used()

    def enter(self, token: bytes) -> TokenStatus:
        """Takes a token, or not; the same one never twice."""
        self.status = self._judge(token)
        if self.status is TokenStatus.EXECUTED:
            self.numbers.add(int(token[6:10]))
            self.bought += int(token[:6])
        return self.status

    def _judge(self, token: bytes) -> TokenStatus:
        if len(token) != TOKEN_DIGITS or not token.isdigit():
            return TokenStatus.FORMAT_FAILURE
        if not hmac.compare_digest(token[10:].decode(), _check(self.key, token[:10].decode())):
            return TokenStatus.AUTHENTICATION_FAILURE
        if int(token[6:10]) in self.numbers:
            return TokenStatus.VALIDATION_FAILURE
        return TokenStatus.EXECUTED


def prepayment_objects(purse: Purse, now: Callable[[], datetime]) -> list[MeterObject]:
    """Account, credit, charge and token gateway over one purse."""
    return [_account(purse), _credit(purse), _charge(purse), _gateway(purse, now)]


def _long(value: Callable[[], int]) -> Live:
    return lambda: Data(Kind.DOUBLE_LONG, value())


def _account(purse: Purse) -> MeterObject:
    names = {9: array([octets(CREDIT)]), 10: array([octets(CHARGE)])}
    attributes: dict[int, Data | Live] = {
        2: structure(Data(Kind.ENUM, 2), Data(Kind.ENUM, 2)),  # prepayment, active
        3: Data(Kind.UNSIGNED, 1),
        4: Data(Kind.BIT_STRING, "10000000"),
        5: _long(lambda: max(0, purse.amount)),
        6: _long(lambda: max(0, -purse.amount)),
        7: Data(Kind.DOUBLE_LONG, 0),
        8: Data(Kind.DOUBLE_LONG, 0),
        **names,
    }
    return MeterObject(class_id=ACCOUNT_CLASS, obis=ACCOUNT, attributes=attributes)


def _credit(purse: Purse) -> MeterObject:
    return MeterObject(
        class_id=CREDIT_CLASS,
        obis=CREDIT,
        attributes={
            2: _long(lambda: purse.amount),
            3: Data(Kind.ENUM, 0),
            4: Data(Kind.UNSIGNED, 1),
            5: Data(Kind.DOUBLE_LONG, 500),
            6: Data(Kind.DOUBLE_LONG, 0),
            7: Data(Kind.BIT_STRING, "10000"),
            8: lambda: Data(Kind.ENUM, 3 if purse.amount > 0 else 4),
        },
    )


def _charge(purse: Purse) -> MeterObject:
    return MeterObject(
        class_id=CHARGE_CLASS,
        obis=CHARGE,
        attributes={
            2: _long(purse.used),
            3: Data(Kind.ENUM, 0),
            4: Data(Kind.UNSIGNED, 1),
            11: Data(Kind.DOUBLE_LONG, 0),
            12: Data(Kind.DOUBLE_LONG, 0),
        },
    )


def _gateway(purse: Purse, now: Callable[[], datetime]) -> MeterObject:
    gateway = MeterObject(class_id=TOKEN_GATEWAY_CLASS, obis=TOKEN_GATEWAY, attributes={})

    def enter(parameter: Data | None) -> ActionResult:
        if parameter is None or parameter.kind is not Kind.OCTET_STRING:
            return ActionResult(UNMATCHED)
        purse.enter(parameter.value)
        gateway.attributes[2] = parameter
        gateway.attributes[3] = octets(encode_date_time(now()))
        return ActionResult(0)

    gateway.attributes = {
        2: octets(b""),
        3: octets(bytes(12)),
        4: array(()),
        5: Data(Kind.ENUM, 0),
        6: lambda: structure(Data(Kind.ENUM, int(purse.status)), Data(Kind.BIT_STRING, "00000000")),
    }
    gateway.methods = {1: enter}
    return gateway
