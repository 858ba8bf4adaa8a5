"""Reads a meter with the gurux-dlms client (GPL-2.0), an independent implementation: a test tool in its own process.

Prints one JSON line with what it read. Arguments: JSON with ``port`` and ``kind`` (none, lls, gmac).
"""

import contextlib
import datetime as dt
import io
import json
import socket
import sys

from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.objects import GXDLMSClock, GXDLMSDisconnectControl, GXDLMSProfileGeneric, GXDLMSRegister
from gurux_dlms.secure import GXDLMSSecureClient


class Connection:
    def __init__(self, port, client):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.client = client

    def exchange(self, requests):
        reply = GXReplyData()
        for request in requests if isinstance(requests, list) else [requests]:
            reply.clear()
            self._one(request, reply)
            while reply.isMoreData():
                self._one(self.client.receiverReady(reply), reply)
        return reply

    def _one(self, request, reply):
        self.socket.sendall(bytes(request))
        received, notify = GXByteBuffer(), GXReplyData()
        reply.error = 0
        while True:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise EOFError
            received.set(chunk)
            if self.client.getData(received, reply, notify):
                break
        if reply.error:
            raise RuntimeError(f"meter answers error {reply.error}")


def main():
    options = json.loads(sys.argv[1])
    kind = options["kind"]
    address = {"none": 16, "lls": 32, "gmac": 1}[kind]
    authentication = {"none": Authentication.NONE, "lls": Authentication.LOW, "gmac": Authentication.HIGH_GMAC}[kind]
    client = GXDLMSSecureClient(True, address, 1, authentication, "12345678" if kind == "lls" else None, InterfaceType.WRAPPER)
    if kind == "gmac":
        client.ciphering.security = Security.AUTHENTICATION_ENCRYPTION
        client.ciphering.systemTitle = bytearray(b"GRX00001")
        client.ciphering.blockCipherKey = bytearray(range(16))
        client.ciphering.authenticationKey = bytearray(range(0xD0, 0xE0))
    connection = Connection(options["port"], client)
    client.parseAareResponse(connection.exchange(client.aarqRequest()).data)
    if client.authentication > Authentication.LOW:
        answer = connection.exchange(client.getApplicationAssociationRequest())
        client.parseApplicationAssociationResponse(answer.data)
    found = {}

    def read(thing, attribute):
        reply = connection.exchange(client.read(thing, attribute))
        client.updateValue(thing, attribute, reply.value)
        return reply.value

    listed = client.parseObjects(connection.exchange(client.getObjectsRequest()).data, True)
    found["objects"] = sorted(f"{int(o.objectType)} {o.logicalName}" for o in listed)
    water = GXDLMSRegister("8.0.1.0.0.255")
    read(water, 3)
    read(water, 2)
    found["water"], found["unit"], found["scaler"] = float(water.value), int(water.unit), float(water.scaler)
    clock = GXDLMSClock("0.0.1.0.0.255")
    read(clock, 2)
    found["clock"] = clock.time.value.astimezone(dt.UTC).isoformat()
    load = GXDLMSProfileGeneric("1.0.99.1.0.255")
    read(load, 3)
    found["columns"] = len(load.captureObjects)
    read(load, 2)
    found["rows"] = [int(row[7]) for row in load.buffer]
    load.buffer = []
    client.updateValue(load, 2, connection.exchange(client.readRowsByEntry(load, 3, 3)).value)
    found["entries"] = [int(row[1]) for row in load.buffer]
    load.buffer = []
    start = dt.datetime(2026, 11, 20, 1, tzinfo=dt.UTC)
    reply = connection.exchange(client.readRowsByRange(load, start, start + dt.timedelta(hours=1)))
    client.updateValue(load, 2, reply.value)
    found["range"] = [int(row[1]) for row in load.buffer]
    valve = GXDLMSDisconnectControl("0.0.96.3.10.255")
    found["valve"] = []
    for move in (valve.remoteDisconnect, valve.remoteReconnect):
        connection.exchange(move(client))
        found["valve"].append(bool(read(valve, 2)))
    with contextlib.suppress(Exception):  # the farewell: the peer may have closed first, and all that counts is read
        connection.exchange(client.releaseRequest())
    return found


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):  # it prints of its own accord
        result = main()
    print(json.dumps(result))
