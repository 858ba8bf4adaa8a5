"""A real mosquitto on the production files of ``deploy/mosquitto``: mutual TLS, access list, an authority made by our own tool."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from app.certs import Issued, Service, issue_gateway, issue_service, make_authority, revoke, utc_now
from app.embedded.ports import free_port
from tests.support.mosquitto import mosquitto_binary, wait_until_listening

DEPLOY = Path(__file__).parents[2] / "deploy" / "mosquitto"
GROUP = "demo"
WITNESS = "witness"
"""A client that sees and may say everything; the production access list knows no such one."""


class Identities:
    """One authority, and what it has issued; certificates are made once and kept by name."""

    def __init__(self, folder: Path, *, hosts: Sequence[str] = ("127.0.0.1", "localhost")) -> None:
        self.folder = folder
        self.authority = folder / "authority"
        self.ca_file = make_authority(self.authority, now=utc_now() - timedelta(days=30))
        issue_service(Service.BROKER, authority=self.authority, out=self.authority, now=utc_now(), hosts=hosts)

    def gateway(self, node: str, *, now: datetime | None = None, days: int = 1, out: str = "gateways") -> Issued:
        """A gateway's certificate."""
        return issue_gateway(node, authority=self.authority, out=self.folder / out, now=now or utc_now(), days=days)

    def service(self, service: Service) -> Issued:
        """A service's certificate."""
        return issue_service(service, authority=self.authority, out=self.folder / "services", now=utc_now(), days=1)

    def revoke(self, name: str) -> int:
        """Puts a name's certificates on the list."""
        return revoke(name, authority=self.authority, now=utc_now())


class TlsBroker:
    """The production broker: ``port`` for gateways, ``inner_port`` for the centre's services."""

    def __init__(self, folder: Path, identities: Identities, *, groups: str = GROUP, foreign: str = "") -> None:
        self.port, self.inner_port = free_port(), free_port()
        self._binary = mosquitto_binary()
        self._log = folder / "mosquitto.log"
        text = (DEPLOY / "tls.conf").read_text(encoding="utf-8")
        for public, here in (("listener 8883\n", self.port), ("listener 8884\n", self.inner_port)):
            assert text.count(public) == 1
            text = text.replace(public, f"listener {here} 127.0.0.1\n")
        text = text.replace("/mosquitto/data/", f"{folder}/").replace("/mosquitto/certificates/", f"{identities.authority}/")
        assert "/mosquitto/" not in text
        config = folder / "tls.conf"
        config.write_text(text + ("user root\n" if os.geteuid() == 0 else ""))
        template = folder / "tls.acl"
        witness = f"\nuser {WITNESS}\ntopic readwrite #\ntopic readwrite $elsewhere/#\n"
        template.write_text((DEPLOY / "tls.acl").read_text(encoding="utf-8") + witness)
        self._environment = os.environ | {
            "CONFIG": str(config), "TEMPLATE": str(template), "CERTIFICATES": str(identities.authority),
            "GROUPS_OF_SITE": groups, "FOREIGN_OF_SITE": foreign, "PATH": f"{Path(self._binary).parent}:{os.environ['PATH']}",
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it accepts connections."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(["sh", str(DEPLOY / "start-tls.sh")], env=self._environment, stdout=log, stderr=log)
        self._process = process
        wait_until_listening(self.port, self.inner_port, alive=lambda: process.poll() is None, said=lambda: self.log)

    def reload(self) -> None:
        """SIGHUP: it reads certificates, revocations and access list again, a moment later."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Ends it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def tls_broker(folder: Path, identities: Identities, *, groups: str = GROUP, foreign: str = "") -> Iterator[TlsBroker]:
    """A running production broker, gone afterwards."""
    broker = TlsBroker(folder, identities, groups=groups, foreign=foreign)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
