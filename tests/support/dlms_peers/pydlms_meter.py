"""A meter by pydlms-client, an independent implementation (GPL-3.0): a test tool that runs in its own process and environment.

Prints its port, then serves until its standard input ends. Arguments: JSON with ``hdlc`` (bool), ``window``, ``max_pdu``
and ``ecdsa`` (DER in hex: ``meter``, ``client_public``).
"""

import json
import sys

from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from pydlms import Mechanism
from pydlms.cosem.types import DataType, DlmsData
from pydlms.simulator import ClientProfile, example_meter, serve

ROWS, COLUMNS = 96, 8


def u32(value):
    return DlmsData(DataType.DOUBLE_LONG_UNSIGNED, value)


def octets(value):
    return DlmsData(DataType.OCTET_STRING, value)


def column(class_id, obis, attribute):
    return DlmsData(
        DataType.STRUCTURE,
        [
            DlmsData(DataType.LONG_UNSIGNED, class_id),
            octets(bytes(obis)),
            DlmsData(DataType.INTEGER, attribute),
            DlmsData(DataType.LONG_UNSIGNED, 0),
        ],
    )


def row(number):
    """A quarter of an hour of 2026-11-20, UTC: number, then numbers that name row and column."""
    stamp = bytes((0x07, 0xEA, 11, 20, 5, number // 4, number % 4 * 15, 0, 0, 0, 0, 0))
    return DlmsData(DataType.STRUCTURE, [octets(stamp)] + [u32(1000 * number + c) for c in range(1, COLUMNS)])


def main():
    options = json.loads(sys.argv[1])
    keys = {"encryption_key": bytes(range(16)), "authentication_key": bytes(range(0xD0, 0xE0))}
    meter = example_meter(max_pdu=options.get("max_pdu", 1024), **keys)
    meter.clients[32] = ClientProfile(Mechanism.LLS, b"12345678")
    meter.clients[1] = ClientProfile(Mechanism.HLS_GMAC, None, True)
    meter.clients[2] = ClientProfile(Mechanism.NONE, None, True)
    meter.clients[3] = ClientProfile(Mechanism.LLS, b"12345678", True)
    if "ecdsa" in options:
        meter.clients[5] = ClientProfile(Mechanism.HLS_ECDSA, None, True)
        meter.clients[5].client_public_key = load_der_public_key(bytes.fromhex(options["ecdsa"]["client_public"]))
        meter.signing_key = load_der_private_key(bytes.fromhex(options["ecdsa"]["meter"]), None)
    name = "1.0.99.1.0.255"
    columns = [column(8, (0, 0, 1, 0, 0, 255), 2)] + [column(3, (1, 0, c, 8, 0, 255), 2) for c in range(1, COLUMNS)]
    meter.add_object(
        7,
        name,
        {
            2: DlmsData(DataType.ARRAY, [row(number) for number in range(ROWS)]),
            3: DlmsData(DataType.ARRAY, columns),
            4: u32(900),
            7: u32(ROWS),
            8: u32(ROWS),
        },
    )
    # Water: 1234567 litres, and a pulse output in hundredths of a cubic metre an hour.
    scaler = [DlmsData(DataType.INTEGER, -3), DlmsData(DataType.ENUM, 13)]
    meter.add_object(3, "8.0.1.0.0.255", {2: u32(1234567), 3: DlmsData(DataType.STRUCTURE, scaler)})
    valve = meter.objects[next(key for key in meter.objects if key[0] == 70)]

    def reconnect(*_):
        valve[2], valve[3] = DlmsData(DataType.BOOLEAN, True), DlmsData(DataType.ENUM, 1)

    meter.add_method(70, "0.0.96.3.10.255", 2, reconnect)
    meter.add_method(1, "0.0.96.1.0.255", 5, lambda _, parameter: parameter)  # gives back what it is given
    server = serve(meter, hdlc=options.get("hdlc", False), hdlc_window=options.get("window", 1))
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()
