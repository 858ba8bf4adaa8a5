"""Reads one of the simulated street's meters with both independent clients: a test tool in its own process.

Prints one JSON line. Arguments: JSON with ``port``, ``server``, ``suite``, ``encryption``, ``authentication`` (hex), ``token``,
``first`` and ``last`` (hours of the profile, ISO 8601).
"""

import contextlib
import datetime as dt
import io
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from gurux_client import Connection
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.enums.DataType import DataType
from gurux_dlms.objects import (
    GXDLMSAccount,
    GXDLMSCharge,
    GXDLMSCredit,
    GXDLMSProfileGeneric,
    GXDLMSRegister,
    GXDLMSTokenGateway,
)
from gurux_dlms.objects.enums import SecuritySuite
from gurux_dlms.secure import GXDLMSSecureClient
from pydlms import DlmsClient, Mechanism, SecurityContext


def by_gurux(options):
    client = GXDLMSSecureClient(True, 1, options["server"], Authentication.HIGH_GMAC, None, InterfaceType.WRAPPER)
    client.ciphering.security = Security.AUTHENTICATION_ENCRYPTION
    client.ciphering.securitySuite = SecuritySuite(options["suite"])
    client.ciphering.systemTitle = bytearray(b"GRX00001")
    client.ciphering.blockCipherKey = bytearray.fromhex(options["encryption"])
    client.ciphering.authenticationKey = bytearray.fromhex(options["authentication"])
    connection = Connection(options["port"], client)
    client.parseAareResponse(connection.exchange(client.aarqRequest()).data)
    client.parseApplicationAssociationResponse(connection.exchange(client.getApplicationAssociationRequest()).data)

    def read(thing, *attributes):
        for attribute in attributes:
            client.updateValue(thing, attribute, connection.exchange(client.read(thing, attribute)).value)
        return thing

    water = read(GXDLMSRegister("8.0.1.0.0.255"), 3, 2)
    load = read(GXDLMSProfileGeneric("8.0.99.1.0.255"), 3)
    first, last = (dt.datetime.fromisoformat(options[name]) for name in ("first", "last"))
    client.updateValue(load, 2, connection.exchange(client.readRowsByRange(load, first, last)).value)
    account = read(GXDLMSAccount("0.0.19.0.0.255"), 2, 5, 6)
    credit = read(GXDLMSCredit("0.0.19.10.0.255"), 2, 3, 4, 5, 6, 8)
    charge = read(GXDLMSCharge("0.0.19.20.0.255"), 2, 3, 4, 12)
    gateway = GXDLMSTokenGateway("0.0.19.40.0.255")
    statuses = []
    for _ in range(2):  # the second time it is used already
        connection.exchange(client.method(gateway, 1, bytearray(options["token"].encode()), DataType.OCTET_STRING))
        statuses.append(int(read(gateway, 6).statusCode))
    return {
        "water": float(water.value),
        "rows": [int(row[1]) for row in load.buffer],
        "account": [int(account.availableCredit), int(account.amountToClear)],
        "credit": [int(credit.currentCreditAmount), int(credit.status)],
        "paid": int(charge.totalAmountPaid),
        "token": statuses,
        "credit_after": int(read(credit, 2).currentCreditAmount),
    }


def by_pydlms(options):
    security = SecurityContext(
        encryption_key=bytes.fromhex(options["encryption"]),
        authentication_key=bytes.fromhex(options["authentication"]),
        client_system_title=b"PYD00001",
        invocation_counter=1,
        suite=options["suite"],
    )
    with DlmsClient.tcp(
        "127.0.0.1",
        options["port"],
        client_sap=1,
        server_logical=options["server"],
        mechanism=Mechanism.HLS_GMAC,
        security=security,
    ) as meter:
        return {
            "water": str(meter.get_register("8.0.1.0.0.255")),
            "credit": meter.get("0.0.19.10.0.255", 112, 2).value,
            "status": [field.value for field in meter.get("0.0.19.40.0.255", 115, 6).value],
        }


with contextlib.redirect_stdout(io.StringIO()):  # one of them prints of its own accord
    found = json.loads(sys.argv[1])
    result = {"gurux": by_gurux(found), "pydlms": by_pydlms(found)}
print(json.dumps(result))
