"""How fast the independent clients read the meters of ``khettara bench dlms``: a test tool in its own process.

Prints one JSON line. Arguments: JSON with ``meter`` and ``fast`` (ports), ``password``, ``seconds``.
"""

import contextlib
import io
import json
import statistics
import sys
import time

from gurux_client import Connection
from gurux_dlms.enums import Authentication, InterfaceType
from gurux_dlms.objects import GXDLMSProfileGeneric, GXDLMSRegister
from gurux_dlms.secure import GXDLMSSecureClient
from pydlms import DlmsClient, Mechanism

WATER, LOAD = "8.0.1.0.0.255", "1.0.99.1.0.255"
ROUNDS = 10


def gurux(port, sap, authentication, password):
    client = GXDLMSSecureClient(True, sap, 1, authentication, password, InterfaceType.WRAPPER)
    connection = Connection(port, client)
    client.parseAareResponse(connection.exchange(client.aarqRequest()).data)
    return client, connection


def rate(ask, seconds):
    count, began = 0, time.perf_counter()
    while (now := time.perf_counter()) - began < seconds:
        ask()
        count += 1
    return round(count / (now - began))


def median_ms(read, rows):
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert rows(read()) == 96
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times), 1)


def measure_pydlms(options):
    with DlmsClient.tcp("127.0.0.1", options["fast"], client_sap=16) as meter:
        gets = rate(lambda: meter.get(WATER, 3, 2), options["seconds"])
    with DlmsClient.tcp(
        "127.0.0.1", options["meter"], client_sap=32, mechanism=Mechanism.LLS, password=options["password"].encode()
    ) as meter:
        profile = median_ms(lambda: meter.get(LOAD, 7, 2), lambda found: len(found.value))
    return {"gets_per_s": gets, "profile_ms": profile}


def measure_gurux(options):
    client, connection = gurux(options["fast"], 16, Authentication.NONE, None)
    register = GXDLMSRegister(WATER)

    def ask():
        reply = connection.exchange(client.read(register, 2))
        client.updateValue(register, 2, reply.value)

    gets = rate(ask, options["seconds"])
    client, connection = gurux(options["meter"], 32, Authentication.LOW, options["password"])
    load = GXDLMSProfileGeneric(LOAD)
    client.updateValue(load, 3, connection.exchange(client.read(load, 3)).value)

    def read():
        load.buffer = []
        client.updateValue(load, 2, connection.exchange(client.read(load, 2)).value)
        return load.buffer

    return {"gets_per_s": gets, "profile_ms": median_ms(read, len)}


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):  # one of them prints of its own accord
        found = {"pydlms-client": measure_pydlms(json.loads(sys.argv[1])), "gurux-dlms": measure_gurux(json.loads(sys.argv[1]))}
    print(json.dumps(found))
