"""Reading the prepayment objects of a meter, and entering a token at it."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.dlms.client import DlmsClient
from protocols.dlms.data import Data
from protocols.dlms.obis import Obis
from protocols.dlms.prepayment import (
    ACCOUNT,
    ACCOUNT_ATTRIBUTES,
    ACCOUNT_CLASS,
    CHARGE,
    CHARGE_ATTRIBUTES,
    CHARGE_CLASS,
    CREDIT,
    CREDIT_ATTRIBUTES,
    CREDIT_CLASS,
    TOKEN_GATEWAY,
    TOKEN_GATEWAY_CLASS,
    Account,
    Charge,
    Credit,
    TokenStatus,
    account_of,
    attributes,
    charge_of,
    credit_of,
    enter_method,
    token_data,
    token_status_of,
)
from protocols.dlms.profile import read_values


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResult:
    """What the meter says of a token."""

    status: TokenStatus
    detail: str
    """The bits that the meter adds, as zeros and ones; what they mean, the kind of token says."""


async def read_account(client: DlmsClient, obis: Obis = ACCOUNT) -> Account:
    """The account; raises as ``DlmsClient.get``."""
    return account_of(await read_values(client, attributes(ACCOUNT_CLASS, obis, *ACCOUNT_ATTRIBUTES)))


async def read_credit(client: DlmsClient, obis: Obis = CREDIT) -> Credit:
    """One credit; raises as ``DlmsClient.get``."""
    return credit_of(await read_values(client, attributes(CREDIT_CLASS, obis, *CREDIT_ATTRIBUTES)))


async def read_charge(client: DlmsClient, obis: Obis = CHARGE) -> Charge:
    """One charge; raises as ``DlmsClient.get``."""
    return charge_of(await read_values(client, attributes(CHARGE_CLASS, obis, *CHARGE_ATTRIBUTES)))


async def read_token_status(client: DlmsClient, obis: Obis = TOKEN_GATEWAY) -> TokenResult:
    """What became of the token entered last."""
    (status,) = attributes(TOKEN_GATEWAY_CLASS, obis, 6)
    code, bits = token_status_of(await client.get(status))
    return TokenResult(status=code, detail=bits)


async def enter_token(client: DlmsClient, digits: str, obis: Obis = TOKEN_GATEWAY) -> TokenResult:
    """Enters a token, once, and reads back what became of it. A token refused is a result, not an error.

    Raises:
        ValueError: It is no token of 20 digits.
        AccessRefused: The meter has no token gateway, or this client may not use it.
    """
    token: Data = token_data(digits)
    await client.action(enter_method(obis), token)
    return await read_token_status(client, obis)
