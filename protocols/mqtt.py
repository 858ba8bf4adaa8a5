"""Our client of an MQTT 5 broker: TLS that always verifies, and refusals that do not pass in silence.

A broker that denies something says so in four places, and the library tells of only two of them:

    certificate   TLS 1.3 refuses a client after its handshake: the library sees a connection that closes
    connect       CONNACK with a reason code
    subscribe     SUBACK with a reason code, which has to be looked at
    publish       PUBACK with a reason code, at QoS 1; the library drops it

A denied publication at QoS 0 is answered by nobody: only the absence of receipts tells of it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiomqtt
import structlog
from aiomqtt.exceptions import MqttCodeError, MqttConnectError
from cryptography import x509
from paho.mqtt.reasoncodes import ReasonCode

from domain.errors import ConfigurationError

FIRST_FAILURE = 128
"""MQTT 5: reason codes from here on are failures."""
_NOT_WELCOME = frozenset({0x85, 0x86, 0x87, 0x8A, 0x8C})
"""Client identifier, name or password not valid; not authorised; banned; bad method: others, such as "busy", pass by themselves."""
_LISTEN_S = 2.0
RENEW_DAYS = 21
"""A certificate that ends sooner is warned of whenever it is read."""
log = structlog.get_logger(__name__)


class Deed(StrEnum):
    """What the broker denied."""

    CERTIFICATE = "certificate"
    CONNECT = "connect"
    SUBSCRIBE = "subscribe"
    PUBLISH = "publish"


class Denied(aiomqtt.MqttError):
    """The broker will not have this, and will not have it later either unless somebody changes its rules.

    Args:
        deed: What it was.
        detail: The topic, where there is one, and the broker's reason.
    """

    def __init__(self, deed: Deed, detail: str) -> None:
        self.deed = deed
        self.detail = detail
        super().__init__(f"the broker denies us: {deed} {detail}")


DenialListener = Callable[[Denied], None]


def client_context(*, ca_file: Path | None, certificate_file: Path | None, key_file: Path | None) -> ssl.SSLContext | None:
    """How to speak TLS with the broker: 1.2 at least, its certificate and host name always verified; None without an authority.

    Raises:
        ConfigurationError: A file is missing or is not what its key says.
    """
    if (certificate_file is None) is not (key_file is None):
        missing = "certificate_file" if certificate_file is None else "key_file"
        raise _wrong(missing, None, "a file, for a certificate and its key belong together")
    if ca_file is None:
        if certificate_file is not None:
            raise _wrong("ca_file", None, "the certificate of the authority that signed the broker's")
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(ca_file))
    except (OSError, ValueError) as error:
        raise _wrong("ca_file", str(ca_file), f"a readable PEM file with an authority's certificate ({error})") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate_file is not None and key_file is not None:
        try:
            context.load_cert_chain(str(certificate_file), str(key_file))
            _warn_of_end(certificate_file)
        except (OSError, ValueError) as error:
            path = f"{certificate_file}, {key_file}"
            raise _wrong(
                "certificate_file, key_file", path, f"readable PEM files of a certificate and its own key ({error})"
            ) from error
    return context


def _warn_of_end(certificate_file: Path) -> None:
    left = x509.load_pem_x509_certificate(certificate_file.read_bytes()).not_valid_after_utc - datetime.now(UTC)
    if left.days < RENEW_DAYS:
        log.warning("certificate_ends_soon", file=str(certificate_file), days=left.days)


def _wrong(key: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(file="settings", key=f"broker.{key}", value=value, expected=expected)


class BrokerClient(aiomqtt.Client):
    """An MQTT 5 client with a clean start that tells ``on_denied`` of every refusal it hears.

    The overridden methods of the library are its own callbacks: there is no public way to a PUBACK's reason code.
    """

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None, on_denied: DenialListener, **options: Any) -> None:
        super().__init__(host, port, protocol=aiomqtt.ProtocolVersion.V5, clean_start=True, tls_context=tls, **options)
        self._address = (host, port)
        self._tls = tls
        self._on_denied = on_denied

    async def __aenter__(self) -> BrokerClient:
        """Connects.

        Raises:
            Denied: The broker does not want this client.
            aiomqtt.MqttError: It could not be reached, or has no time.
        """
        try:
            await super().__aenter__()
        except aiomqtt.MqttError as error:
            denied = await self._denial(error)
            if denied is None:
                raise
            self._on_denied(denied)
            raise denied from error
        return self

    async def subscribe_to(self, topic: str, *, qos: int) -> None:
        """Subscribes to one filter.

        Raises:
            Denied: SUBACK carries a failure.
        """
        for code in await self.subscribe(topic, qos=qos):
            if (code if isinstance(code, int) else code.value) >= FIRST_FAILURE:
                denied = Denied(Deed.SUBSCRIBE, f"{topic!r}: {code}")
                self._on_denied(denied)
                raise denied

    async def _denial(self, error: aiomqtt.MqttError) -> Denied | None:
        if isinstance(error, MqttConnectError):
            code = error.rc.value if isinstance(error.rc, ReasonCode) else error.rc
            return Denied(Deed.CONNECT, str(error)) if code in _NOT_WELCOME else None
        reason = None if self._tls is None else await certificate_refusal(*self._address, self._tls)
        return None if reason is None else Denied(Deed.CERTIFICATE, reason)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: ReasonCode, properties: Any = None) -> None:
        if not self._connected.done():  # else nobody would learn of it before the time limit
            self._connected.set_exception(MqttCodeError(reason_code, "closed before CONNACK"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        # The library connects in a thread while its loop reads: an alert in between closes the socket under the thread.
        if sock is None:
            raise ConnectionError("closed while connecting")
        super()._on_socket_register_write(client, userdata, sock)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Any) -> None:
        super()._on_publish(client, userdata, mid, reason_code, properties)
        if reason_code.value >= FIRST_FAILURE:
            self._on_denied(Denied(Deed.PUBLISH, f"message {mid}: {reason_code}"))


async def certificate_refusal(host: str, port: int, tls: ssl.SSLContext) -> str | None:
    """Why the broker's TLS refuses our certificate; None if it does not, or nobody answers."""
    # It costs a connection, so it is asked after a failure alone.
    try:
        async with asyncio.timeout(_LISTEN_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    except ssl.SSLCertVerificationError:
        return None  # it is we who refuse the broker
    except ssl.SSLError as error:
        return _alert(error)
    except (OSError, TimeoutError):
        return None
    try:
        async with asyncio.timeout(_LISTEN_S):
            await reader.read(1)
    except ssl.SSLError as error:
        return _alert(error)
    except (OSError, TimeoutError):
        return None
    finally:
        writer.transport.abort()
    return None


def _alert(error: ssl.SSLError) -> str | None:
    """An alert of the other side, such as SSLV3_ALERT_CERTIFICATE_REVOKED."""
    return error.reason if error.reason and "ALERT" in error.reason else None
