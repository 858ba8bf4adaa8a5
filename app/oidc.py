"""Logging in through the utility's identity provider: from the settings to what the console asks for."""

from __future__ import annotations

from app.settings import OidcSettings
from console import oidc
from console.oidc import OidcLogin
from domain.errors import ConfigurationError


def oidc_login(settings: OidcSettings | None) -> OidcLogin | None:
    """The provider, where one is configured.

    Raises:
        ConfigurationError: The extra is not installed, the secret cannot be read, or an address has no TLS.
    """
    if settings is None:
        return None
    try:
        from console.oidc_provider import Provider
    except ImportError as error:
        expected = "the packages of khettara[oidc] beside it"
        raise ConfigurationError(file="settings", key="console.oidc", value=str(error), expected=expected) from None
    try:
        secret = None if settings.client_secret_file is None else settings.client_secret_file.read_text().strip()
        values = settings.model_dump(exclude={"client_secret_file"})
        return Provider(oidc.OidcSettings(**values, client_secret=secret))
    except (OSError, ValueError) as error:
        raise ConfigurationError(file="settings", key="console.oidc", value=settings.issuer, expected=str(error)) from None
