"""The authority: names that cannot be taken, keys nobody else reads, nothing written over, revocations that add up."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.certs import Service, broker_lines, issue_gateway, issue_service, make_authority, parse_service, revoke
from domain.errors import ConfigurationError

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    folder = tmp_path / "authority"
    assert make_authority(folder, now=NOW) == folder / "ca.pem"
    return folder


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def revocations(authority: Path) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((authority / "revoked.pem").read_bytes())


def test_a_gateway_s_certificate_carries_its_node_id_and_the_rights_of_a_client(authority: Path, tmp_path: Path) -> None:
    issued = issue_gateway("gw-nord-é", authority=authority, out=tmp_path / "out", now=NOW, days=30)
    certificate, root = read(issued.certificate), read(authority / "ca.pem")
    certificate.verify_directly_issued_by(root)
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["gw-nord-é"]
    assert certificate.not_valid_after_utc == issued.ends == NOW + timedelta(days=30)
    assert certificate.not_valid_before_utc < NOW
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert issued.key.stat().st_mode & 0o777 == 0o600
    assert (authority / "ca.key").stat().st_mode & 0o777 == 0o600
    written = tomllib.loads(broker_lines(issued, authority))["broker"]
    assert {key: Path(path).exists() for key, path in written.items()} == dict.fromkeys(
        ("ca_file", "certificate_file", "key_file"), True
    )


def test_services_have_names_of_their_own_and_the_broker_has_hosts(authority: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for service in (Service.INGEST, Service.DESK, Service.HOST):
        issued = issue_service(service, authority=authority, out=out, now=NOW)
        assert read(issued.certificate).subject.rfc4514_string() == f"CN=khettara-{service}"
    broker = issue_service(Service.BROKER, authority=authority, out=out, now=NOW, hosts=["mqtt.example", "10.1.2.3"])
    certificate = read(broker.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mqtt.example"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3"]
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert "[broker]" not in broker_lines(broker, authority)
    assert parse_service("desk") is Service.DESK


def test_nothing_is_ever_written_over(authority: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    issued = issue_gateway("gw", authority=authority, out=out, now=NOW)
    before = {path: path.read_bytes() for path in (*authority.iterdir(), *out.iterdir()) if path.is_file()}
    with pytest.raises(ConfigurationError, match="never written over"):
        make_authority(authority, now=NOW)
    with pytest.raises(ConfigurationError, match="never written over"):
        issue_gateway("gw", authority=authority, out=out, now=NOW)
    issued.certificate.unlink()
    with pytest.raises(ConfigurationError, match=r"gw\.key"):
        issue_gateway("gw", authority=authority, out=out, now=NOW)
    del before[issued.certificate]
    assert {path: path.read_bytes() for path in before} == before
    assert len(list((authority / "issued").iterdir())) == 1, "what was refused was not signed either"


def test_revoking_a_name_revokes_all_its_certificates_and_keeps_the_earlier_ones(authority: Path, tmp_path: Path) -> None:
    assert list(revocations(authority)) == []
    first = issue_gateway("gw-1", authority=authority, out=tmp_path / "a", now=NOW)
    second = issue_gateway("gw-1", authority=authority, out=tmp_path / "b", now=NOW)
    other = issue_gateway("gw-2", authority=authority, out=tmp_path / "a", now=NOW)
    near = issue_gateway("gw-10", authority=authority, out=tmp_path / "a", now=NOW)
    later = NOW + timedelta(days=2)
    assert revoke("gw-1", authority=authority, now=later) == 2
    assert revoke("gw-1", authority=authority, now=later) == 0
    assert revoke("gw-2", authority=authority, now=later) == 1
    found = revocations(authority)
    assert {entry.serial_number for entry in found} == {read(i.certificate).serial_number for i in (first, second, other)}
    assert read(near.certificate).serial_number not in {entry.serial_number for entry in found}
    public = read(authority / "ca.pem").public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert found.is_signature_valid(public)
    assert found.next_update_utc == read(authority / "ca.pem").not_valid_after_utc, "an expired list would lock everybody out"


@pytest.mark.parametrize(
    ("act", "key"),
    [
        (lambda a, o: issue_gateway("khettara-ingest", authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("a/b", authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("../x", authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("gw+", authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("#", authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("%u", authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("", authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("gw 1", authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("gw\n", authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("g" * 65, authority=a, out=o, now=NOW), "NODE"),
        (lambda a, o: issue_gateway("gw", authority=a, out=o, now=NOW, days=0), "--days"),
        (lambda a, o: issue_gateway("gw", authority=a, out=o, now=NOW, days=4000), "--days"),
        (lambda a, o: issue_gateway("gw", authority=o, out=o, now=NOW), "--ca"),
        (lambda a, o: issue_service(Service.BROKER, authority=a, out=o, now=NOW), "--host"),
        (lambda a, o: issue_service(Service.DESK, authority=a, out=o, now=NOW, hosts=["x"]), "--host"),
        (lambda a, o: issue_service(Service.BROKER, authority=a, out=o, now=NOW, hosts=["é.example"]), "--host"),
        (lambda a, o: revoke("nobody", authority=a, now=NOW), "NODE"),
        (lambda a, o: make_authority(o, now=NOW, name=""), "NAME"),
        (lambda a, o: make_authority(o, now=NOW, days=0), "--days"),
        (lambda a, o: parse_service("scada"), "SERVICE"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    authority: Path, tmp_path: Path, act: Callable[[Path, Path], object], key: str
) -> None:
    out = tmp_path / "out"
    with pytest.raises(ConfigurationError) as caught:
        act(authority, out)
    assert caught.value.key == key
    assert not out.exists() or not list(out.rglob("*.*"))
    assert list((authority / "issued").iterdir()) == []


def test_a_damaged_list_of_revocations_is_not_replaced_by_an_empty_one(authority: Path, tmp_path: Path) -> None:
    issue_gateway("gw", authority=authority, out=tmp_path / "out", now=NOW)
    (authority / "revoked.pem").write_text("")
    with pytest.raises(ConfigurationError, match=r"revoked\.pem"):
        revoke("gw", authority=authority, now=NOW)


def test_a_key_of_another_authority_is_refused(authority: Path, tmp_path: Path) -> None:
    make_authority(tmp_path / "other", now=NOW)
    (authority / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    with pytest.raises(ConfigurationError, match="belongs"):
        issue_gateway("gw", authority=authority, out=tmp_path / "out", now=NOW)


def test_the_lines_for_the_settings_are_toml_whatever_the_path(authority: Path, tmp_path: Path) -> None:
    out = tmp_path / 'a "quoted" folder'
    issued = issue_gateway("gw", authority=authority, out=out, now=NOW)
    assert tomllib.loads(broker_lines(issued, authority))["broker"]["key_file"] == str(out / "gw.key")
    assert json.dumps(str(out / "gw.key")) in broker_lines(issued, authority)
