"""A small certificate authority for sites without one of their own: who may speak to the broker, under which name.

    authority/  ca.pem  ca.key  revoked.pem  issued/<name>.<serial>.pem
    elsewhere/  <name>.pem  <name>.key     of a gateway, the broker, a service: for its own machine, the key kept nowhere else

EC P-256; the common name is what the broker goes by: the Sparkplug node id of a gateway, ``khettara-…`` for a service.
Private keys are readable by their owner alone, and no key or certificate is ever written over.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domain.errors import ConfigurationError

SERVICE_PREFIX = "khettara-"
"""Names of the centre's own services begin so, and no gateway's may."""
AUTHORITY_DAYS, CERTIFICATE_DAYS = 3650, 90
_MISSET_CLOCK = timedelta(minutes=5)
"""Certificates begin this long before they are made."""
_PEM = serialization.Encoding.PEM
_SIGNS = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
    key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
)  # fmt: skip
_CERTIFIES = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
    key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


class Service(StrEnum):
    """The identities beside those of gateways."""

    INGEST = "ingest"
    DESK = "desk"
    HOST = "host"
    """Another Sparkplug host application, such as a control room's: it reads."""
    BROKER = "broker"
    """The broker itself, which clients verify by its host names."""

    @property
    def identity(self) -> str:
        """The common name of its certificate."""
        return SERVICE_PREFIX + self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path
    ends: datetime


def make_authority(folder: Path, *, now: datetime, name: str = "Khettara", days: int = AUTHORITY_DAYS) -> Path:
    """A new authority with an empty list of revocations; returns its certificate.

    Raises:
        ConfigurationError: There is one already, or the name or number of days cannot be.
    """
    _check_days(days)
    certificate, key = folder / "ca.pem", folder / "ca.key"
    for path in (certificate, key, folder / "revoked.pem"):
        _check_free(path)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "issued").mkdir(exist_ok=True)
    private = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name, "NAME")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _MISSET_CLOCK)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_CERTIFIES, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
    )
    _write_new(key, _pem(private), mode=0o600)
    _write_new(certificate, builder.sign(private, hashes.SHA256()).public_bytes(_PEM), mode=0o644)
    _Authority(folder).write_revoked([], now)
    return certificate


def issue_gateway(node: str, *, authority: Path, out: Path, now: datetime, days: int = CERTIFICATE_DAYS) -> Issued:
    """A gateway's certificate; its name is the Sparkplug node id.

    Raises:
        ConfigurationError: The name cannot be a gateway's, the authority cannot be read, or a file is there already.
    """
    if node.startswith(SERVICE_PREFIX):
        raise _wrong("NODE", node, f"a node id that does not begin with {SERVICE_PREFIX!r}: those are the centre's own services")
    if not node or any(c in "/+#%\\\"'" or c.isspace() or not c.isprintable() for c in node) or node.startswith((".", "$")):
        raise _wrong("NODE", node, "a node id without blanks, quotes and any of / + # % \\, which does not begin with . or $")
    return _Authority(authority).issue(node, usage=ExtendedKeyUsageOID.CLIENT_AUTH, hosts=(), out=out, now=now, days=days)


def issue_service(
    service: Service, *, authority: Path, out: Path, now: datetime, hosts: Sequence[str] = (), days: int = CERTIFICATE_DAYS
) -> Issued:
    """A service's certificate; the broker's names the hosts that clients reach it by.

    Raises:
        ConfigurationError: Host names are missing or too many, the authority cannot be read, or a file is there already.
    """
    if bool(hosts) is not (service is Service.BROKER):
        raise _wrong(
            "--host", ", ".join(hosts), "the names and addresses clients reach the broker by, for the broker and only for it"
        )
    usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    return _Authority(authority).issue(service.identity, usage=usage, hosts=hosts, out=out, now=now, days=days)


def revoke(name: str, *, authority: Path, now: datetime) -> int:
    """Revokes every certificate that was issued for a name and has not been revoked yet; returns how many.

    Raises:
        ConfigurationError: None was issued for this name, or the authority cannot be read.
    """
    from_folder = _Authority(authority)
    issued = from_folder.issued(name)
    if not issued:
        raise _wrong("NODE", name, "a name with a certificate in " + str(authority / "issued"))
    known = from_folder.revoked()
    gone = {entry.serial_number for entry in known}
    fresh = [
        x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now).build()
        for certificate in issued
        if certificate.serial_number not in gone
    ]
    from_folder.write_revoked([*known, *fresh], now)
    return len(fresh)


def parse_service(text: str) -> Service:
    """A service by its name.

    Raises:
        ConfigurationError: There is no such service.
    """
    try:
        return Service(text)
    except ValueError:
        raise _wrong("SERVICE", text, "one of " + ", ".join(Service)) from None


def broker_lines(issued: Issued, authority: Path) -> str:
    """What to write into ``[broker]`` of the settings of whom it was issued for; for the broker itself, only what was made."""
    made = f"# made {issued.certificate} and its key, which hold until {issued.ends:%Y-%m-%d}"
    if issued.certificate.stem == Service.BROKER.identity:
        return made
    paths = {"ca_file": authority / "ca.pem", "certificate_file": issued.certificate, "key_file": issued.key}
    return "\n".join([made, "[broker]", *(f"{key} = {json.dumps(str(path))}" for key, path in paths.items())])


class _Authority:
    """An authority's folder, read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise _wrong("--ca", str(folder), f"a folder that `khettara certs ca` has made ({error})") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != self._certificate.public_key():
            raise _wrong("--ca", str(folder), "a folder whose ca.key belongs to its ca.pem")
        self._key = key

    def issue(
        self, name: str, *, usage: x509.ObjectIdentifier, hosts: Sequence[str], out: Path, now: datetime, days: int
    ) -> Issued:
        _check_days(days)
        ends = now + timedelta(days=days)
        if ends > self._certificate.not_valid_after_utc:
            raise _wrong("--days", days, f"an end before the authority's own, {self._certificate.not_valid_after_utc:%Y-%m-%d}")
        issued = Issued(certificate=out / f"{name}.pem", key=out / f"{name}.key", ends=ends)
        for path in (issued.certificate, issued.key):
            _check_free(path)
        private, serial = ec.generate_private_key(ec.SECP256R1()), x509.random_serial_number()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(name, "NODE"))
            .issuer_name(self._certificate.subject)
            .public_key(private.public_key())
            .serial_number(serial)
            .not_valid_before(now - _MISSET_CLOCK)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_SIGNS, critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        pem = builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM)
        out.mkdir(parents=True, exist_ok=True)
        # The record first: what was ever signed can be revoked.
        _write_new(self._folder / "issued" / f"{name}.{serial:x}.pem", pem, mode=0o644)
        _write_new(issued.key, _pem(private), mode=0o600)
        _write_new(issued.certificate, pem, mode=0o644)
        return issued

    def issued(self, name: str) -> list[x509.Certificate]:
        """Every certificate ever signed for a name."""
        all_of_them = (
            x509.load_pem_x509_certificate(path.read_bytes()) for path in sorted((self._folder / "issued").glob("*.pem"))
        )
        return [c for c in all_of_them if c.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == name]

    def revoked(self) -> list[x509.RevokedCertificate]:
        """What the list of revocations holds now."""
        path = self._folder / "revoked.pem"
        try:
            return list(x509.load_pem_x509_crl(path.read_bytes()))
        except (OSError, ValueError) as error:
            # An unreadable list is no empty one: who was revoked would be let in again.
            raise _wrong("revoked.pem", str(path), f"the list of revocations this authority has signed ({error})") from error

    def write_revoked(self, entries: Sequence[x509.RevokedCertificate], now: datetime) -> None:
        """Replaces the list in one step. It is valid as long as the authority: a broker with an expired list lets nobody in."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now)
            .next_update(self._certificate.not_valid_after_utc)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
        )
        for entry in entries:
            builder = builder.add_revoked_certificate(entry)
        fresh = self._folder / "revoked.pem.new"
        fresh.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM))
        fresh.replace(self._folder / "revoked.pem")


def utc_now() -> datetime:
    """The wall's time; certificates live by no other clock."""
    return datetime.now(UTC).replace(microsecond=0)


def _subject(name: str, key: str) -> x509.Name:
    if not name or len(name) > 64:
        raise _wrong(key, name, "1 to 64 characters, as X.509 allows a common name")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        return x509.DNSName(text)
    except ValueError:
        raise _wrong("--host", text, "an address, or a host name in ASCII") from None


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise _taken(path) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _check_free(path: Path) -> None:
    if path.exists():
        raise _taken(path)


def _check_days(days: int) -> None:
    if days < 1:
        raise _wrong("--days", days, "at least 1 day")


def _taken(path: Path) -> ConfigurationError:
    return _wrong("(file)", str(path), "a path that is still free: keys and certificates are never written over")


def _wrong(key: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(file="khettara certs", key=key, value=value, expected=expected)
