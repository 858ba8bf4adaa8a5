"""Reads a meter with the pydlms client (GPL-3.0), an independent implementation: a test tool in its own process.

Prints one JSON line with what it read. Arguments: JSON with ``port``, ``kind`` (none, lls, gmac, ecdsa), ``udp``,
``suite``, and for ECDSA ``own`` and ``meter_public`` (DER in hex).
"""

import json
import sys

from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from pydlms import DlmsClient, Mechanism, SecurityContext


def main():
    options = json.loads(sys.argv[1])
    kind = options["kind"]
    more = {
        "none": {},
        "lls": {"mechanism": Mechanism.LLS, "password": b"12345678"},
        "gmac": {"mechanism": Mechanism.HLS_GMAC},
        "ecdsa": {"mechanism": Mechanism.HLS_ECDSA},
    }[kind]
    if kind in ("gmac", "ecdsa"):
        more["security"] = SecurityContext(
            encryption_key=bytes(range(16)),
            authentication_key=bytes(range(0xD0, 0xE0)),
            client_system_title=b"PYD00001",
            invocation_counter=1,
            suite=options.get("suite", 0),
        )
    if kind == "ecdsa":
        more["signing_key"] = load_der_private_key(bytes.fromhex(options["own"]), None)
        more["server_public_key"] = load_der_public_key(bytes.fromhex(options["meter_public"]))
    address = {"none": 16, "lls": 32, "gmac": 1, "ecdsa": 5}[kind]
    found = {}
    reach = DlmsClient.udp if options.get("udp") else DlmsClient.tcp
    with reach("127.0.0.1", options["port"], client_sap=address, **more) as meter:
        found["water"] = str(meter.get_register("8.0.1.0.0.255"))
        found["clock"] = str(meter.get_clock())
        profile = meter.read_profile("1.0.99.1.0.255", typed=True, scalers=False)
        found["rows"] = [int(row[7]) for row in profile.rows]
        found["objects"] = len(list(meter.get_association_view()))
    return found


print(json.dumps(main()))
