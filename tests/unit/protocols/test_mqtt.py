"""The TLS settings of our clients: complete or refused, verified always."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest
from structlog.testing import capture_logs

from app.certs import Issued, issue_gateway, make_authority
from domain.errors import ConfigurationError
from protocols.mqtt import BrokerClient, client_context


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    make_authority(tmp_path / "ca", now=datetime.now(UTC))
    return issue_gateway("gw", authority=tmp_path / "ca", out=tmp_path, now=datetime.now(UTC))


def test_without_an_authority_there_is_no_tls() -> None:
    assert client_context(ca_file=None, certificate_file=None, key_file=None) is None


def test_the_broker_is_always_verified_and_old_versions_are_not_spoken(tmp_path: Path, issued: Issued) -> None:
    for files in ((issued.certificate, issued.key), (None, None)):
        context = client_context(ca_file=tmp_path / "ca" / "ca.pem", certificate_file=files[0], key_file=files[1])
        assert context is not None
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert context.maximum_version in (ssl.TLSVersion.MAXIMUM_SUPPORTED, ssl.TLSVersion.TLSv1_3)
        assert len(context.get_ca_certs()) == 1, "no public authority is trusted beside ours"


def test_a_certificate_that_ends_soon_is_warned_of(tmp_path: Path, issued: Issued) -> None:
    ca, now = tmp_path / "ca", datetime.now(UTC)
    ending = issue_gateway("gw", authority=ca, out=tmp_path / "b", now=now, days=20)
    ended = issue_gateway("gw", authority=ca, out=tmp_path / "c", now=now - timedelta(days=9), days=2)
    with capture_logs() as lines:
        for one in (issued, ending, ended):
            client_context(ca_file=ca / "ca.pem", certificate_file=one.certificate, key_file=one.key)
    warned = [(line["event"], line["file"], line["days"] < 0) for line in lines]
    assert warned == [
        ("certificate_ends_soon", str(ending.certificate), False),
        ("certificate_ends_soon", str(ended.certificate), True),
    ]


def test_what_is_missing_or_wrong_is_named(tmp_path: Path, issued: Issued) -> None:
    ca, other = tmp_path / "ca" / "ca.pem", tmp_path / "no-such-file"
    text = tmp_path / "text"
    text.write_text("no PEM")
    cases = [
        (ca, issued.certificate, None, "broker.key_file"),
        (ca, None, issued.key, "broker.certificate_file"),
        (None, issued.certificate, issued.key, "broker.ca_file"),
        (other, None, None, "broker.ca_file"),
        (text, None, None, "broker.ca_file"),
        (ca, other, issued.key, "broker.certificate_file, key_file"),
        (ca, issued.certificate, text, "broker.certificate_file, key_file"),
        (ca, issued.certificate, tmp_path / "ca" / "ca.key", "broker.certificate_file, key_file"),
    ]
    for ca_file, certificate_file, key_file, key in cases:
        with pytest.raises(ConfigurationError) as caught:
            client_context(ca_file=ca_file, certificate_file=certificate_file, key_file=key_file)
        assert caught.value.key == key


async def test_a_connection_that_closes_under_the_thread_that_opens_it_is_an_error_of_the_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An alert of TLS read by the loop meanwhile: once in some thousand refusals it ended the gateway's uplink."""
    client = BrokerClient("127.0.0.1", 1, tls=None, on_denied=lambda denied: None)
    inner = client._client
    monkeypatch.setattr(inner, "connect", lambda *_: client._on_socket_register_write(inner, None, None))
    with pytest.raises(aiomqtt.MqttError, match="closed while connecting"):
        await client.__aenter__()
