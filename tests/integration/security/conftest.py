"""The production broker with its authority, once for a module; and our client of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.certs import Issued, Service, issue_gateway, make_authority, utc_now
from protocols.mqtt import BrokerClient, Denied, client_context
from tests.support.tls_broker import WITNESS, Identities, TlsBroker, tls_broker

GATEWAYS = ("gw-a", "gw-b")
FOREIGN = ("lora", "logger-1", "logger-2")
"""A network server that speaks for many devices, and two devices that speak for themselves."""
FOREIGN_OF_SITE = "lora=application/+/device/+/event/up loggers/%u/data"
SERVICES = (Service.INGEST, Service.DESK, Service.HOST)
STRANGERS = ("no certificate", "another authority", "expired", "revoked", "the broker's own")
"""Who must not come in at all."""


@dataclass
class Secured:
    """A running broker, and who is who."""

    broker: TlsBroker
    identities: Identities
    known: dict[str, Issued | None]
    heard: list[Denied] = field(default_factory=list)

    def files(self, name: str) -> dict[str, Any]:
        """The TLS settings of one identity."""
        issued = self.known[name]
        files = {"ca_file": self.identities.ca_file}
        return files if issued is None else files | {"certificate_file": issued.certificate, "key_file": issued.key}

    def port(self, name: str) -> int:
        """The listener that is meant for it."""
        return self.broker.inner_port if name in {*(s.identity for s in SERVICES), WITNESS} else self.broker.port

    def client(self, name: str, *, port: int | None = None, **options: Any) -> BrokerClient:
        """Our client under one identity; refusals go to ``heard``."""
        files = self.files(name)
        tls = client_context(
            ca_file=files["ca_file"], certificate_file=files.get("certificate_file"), key_file=files.get("key_file")
        )
        return BrokerClient("127.0.0.1", port or self.port(name), tls=tls, on_denied=self.heard.append, **options)


def make_known(identities: Identities, folder: Path) -> dict[str, Issued | None]:
    """Every identity of the matrix."""
    known: dict[str, Issued | None] = {node: identities.gateway(node) for node in (*GATEWAYS, *FOREIGN, WITNESS)}
    known |= {service.identity: identities.service(service) for service in SERVICES}
    known["no certificate"] = None
    make_authority(folder / "other", now=utc_now())
    known["another authority"] = issue_gateway("gw-a", authority=folder / "other", out=folder / "foreign", now=utc_now(), days=1)
    known["expired"] = identities.gateway("gw-a", now=utc_now() - timedelta(days=5), out="expired")
    known["revoked"] = identities.gateway("gw-revoked")
    identities.revoke("gw-revoked")
    own = identities.authority / "khettara-broker.pem"
    known["the broker's own"] = Issued(certificate=own, key=own.with_suffix(".key"), ends=utc_now())
    return known


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    identities = Identities(folder)
    known = make_known(identities, folder)
    with tls_broker(folder, identities, foreign=FOREIGN_OF_SITE) as broker:
        yield Secured(broker, identities, known)


@pytest.fixture
def secured(running: Secured) -> Secured:
    running.heard.clear()
    return running
