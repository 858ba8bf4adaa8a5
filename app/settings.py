"""Settings of the centre's services: one TOML file, overridable by environment, unknown keys refused.

    [site]      folder = "sites/demo"
    [database]  dsn = "host=… dbname=… user=…", password_file = "…"
    [broker]    host, port, username, password_file, ca_file, certificate_file, key_file
    [clock]     kind = "wall" | "scaled"
    [console]   host, port, oidc
    [centre]    state_folder, first_mode, control_law, detect_every_s, control_every_s, second_person
    [alerts]    inbox_token_file
    [retention] raw_days, quarter_hour_days, hour_days, day_days
    [complaints] phone_days
    [ingest]    share_group, batch, limits, foreign … (``ingest.settings``)

``KHETTARA_DATABASE__DSN`` overrides ``database.dsn``, and so on.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.site import read_toml
from domain.clock import ScaledClock, WallClock
from domain.errors import ConfigurationError
from domain.ports import Clock
from domain.setpoints import Mode
from protocols.mqtt import client_context

PREFIX = "KHETTARA_"
PLAIN_KEYS = ("host_id",)
"""Keys outside every section: ``KHETTARA_HOST_ID``."""
M = TypeVar("M", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteSettings(_Section):
    """Which site this is."""

    folder: Path
    """Folder with site.toml, zones.toml, points.toml, devices.toml."""


class DatabaseSettings(_Section):
    """How to reach PostgreSQL, by role; a role that is absent uses ``dsn``."""

    dsn: str
    password_file: Path | None = None
    ingest_dsn: str | None = None
    analytics_dsn: str | None = None
    command_dsn: str | None = None
    read_dsn: str | None = None
    admin_dsn: str | None = None
    """Only for ``khettara db migrate``."""

    @property
    def admin(self) -> str:
        """The connection string for migrations."""
        return self._with_password(self.admin_dsn or self.dsn)

    def of(self, role: Literal["ingest", "analytics", "command", "read"]) -> str:
        """The connection string for a role."""
        return self._with_password(getattr(self, f"{role}_dsn") or self.dsn)

    def _with_password(self, dsn: str) -> str:
        """The DSN, as a URL or as keywords, with the password out of the file where it carries none."""
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        if self.password_file is None or conninfo_to_dict(dsn).get("password"):
            return dsn
        return make_conninfo(dsn, password=self.password_file.read_text().strip())


class BrokerSettings(_Section):
    """How to reach the MQTT 5 broker."""

    host: str = "127.0.0.1"
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    """Authority that signed the broker's certificate; TLS is used where this is set."""
    certificate_file: Path | None = None
    """Ours, for a broker that asks for one; its name says who we are."""
    key_file: Path | None = None

    @property
    def password(self) -> str | None:
        """The password out of its file."""
        return self.password_file.read_text().strip() if self.password_file else None

    def tls(self) -> ssl.SSLContext | None:
        """How to speak TLS with the broker; None without.

        Raises:
            ConfigurationError: A file is missing or is not what its key says.
        """
        return client_context(ca_file=self.ca_file, certificate_file=self.certificate_file, key_file=self.key_file)


class ClockSettings(_Section):
    """Process time: the wall's, or a demonstration's that runs faster until it has caught up."""

    kind: Literal["wall", "scaled"] = "wall"
    wall_origin: float = 0.0
    """Wall time at which the scaled clock started [s since 1970 UTC]."""
    sim_origin: float = 0.0
    """What it showed then [s since 1970 UTC]."""
    speed: float = Field(default=60.0, ge=1, le=3600)

    def clock(self) -> Clock:
        """The clock behind the port."""
        if self.kind == "wall":
            return WallClock(wall=time.time)
        return ScaledClock(wall=time.time, wall_origin=self.wall_origin, sim_origin=self.sim_origin, speed=self.speed)


class OidcSettings(_Section):
    """Logging in through the utility's identity provider (OpenID Connect); needs the extra ``khettara[oidc]``."""

    issuer: str
    client_id: str
    client_secret_file: Path | None = None
    """Holds the secret alone; None for a public client."""
    redirect_url: str
    """The console's address as browsers know it, and ``/login/oidc/answer``."""
    scopes: tuple[str, ...] = ("openid", "profile")
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    name_claim: str = "preferred_username"
    role_claim: str = "groups"
    roles: dict[str, Literal["viewer", "operator", "supervisor", "admin"]] = Field(min_length=1)
    """Value of the claim → role here."""
    zones_claim: str | None = None
    """Claim that names the zones a role holds in, ``*`` for every one; None gives every zone."""


class ConsoleSettings(_Section):
    """Where the operators' console listens."""

    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=1, le=65535)
    oidc: OidcSettings | None = None
    """``[console.oidc]``"""


class SecondPersonSettings(_Section):
    """From where on an order takes two people; each threshold alone is enough, one that is not set asks for nobody."""

    change_m: float | None = Field(default=None, gt=0)
    """A change of the setpoint by this much or more [m]."""
    below_m: float | None = Field(default=None, gt=0)
    """A lower setpoint than this [m]."""
    connections: int | None = Field(default=None, ge=1)
    """A zone with this many connections or more."""
    emergency_alone: bool = False
    """An emergency holds as soon as one person declares it; by default another must confirm it."""


class CentreSettings(_Section):
    """The centre's own state and pace."""

    state_folder: Path = Path("state")
    """Signing key of the desk, session secret, learned laws."""
    first_mode: Mode = Mode.ADVISORY
    """Mode of an actuator for which none was ever set."""
    detect_every_s: float = Field(default=300.0, ge=60)
    """Process seconds between two looks of the detectors."""
    control_every_s: float = Field(default=300.0, ge=60)
    """Process seconds between two advices of the control laws."""
    control_law: Literal["fixed", "time_of_day", "flow_modulated", "learned_critical_point", "model_twin"] | None = None
    """Law of every valve; None takes the model twin where the site has a model, else the learned critical point."""
    second_person: SecondPersonSettings = SecondPersonSettings()
    """``[centre.second_person]``"""


class ComplaintSettings(_Section):
    """How long callers are known."""

    phone_days: int = Field(default=90, ge=1, le=3650)
    """Days after which a caller's number is forgotten."""


class AlertsSettings(_Section):
    """Other systems' alerts."""

    inbox_token_file: Path | None = None
    """One line, at least 24 characters: what an Alertmanager shows when it sends its webhook. Without it none is taken."""


class RetentionSettings(_Section):
    """Days that values are kept; 0 is for ever. Put into the database by ``khettara db migrate``."""

    raw_days: int = Field(default=730, ge=0)
    """Readings."""
    quarter_hour_days: int = Field(default=1826, ge=0)
    """Rollups of 15 minutes."""
    hour_days: int = Field(default=3652, ge=0)
    """Rollups of an hour."""
    day_days: int = Field(default=0, ge=0)
    """Rollups of a day."""


class Settings(_Section):
    """All of the centre."""

    site: SiteSettings
    database: DatabaseSettings
    broker: BrokerSettings = BrokerSettings()
    clock: ClockSettings = ClockSettings()
    console: ConsoleSettings = ConsoleSettings()
    centre: CentreSettings = CentreSettings()
    retention: RetentionSettings = RetentionSettings()
    alerts: AlertsSettings = AlertsSettings()
    complaints: ComplaintSettings = ComplaintSettings()
    ingest: dict[str, Any] = Field(default_factory=dict)
    """Of the ingestor alone, which checks it: ``ingest.settings.IngestSettings`` without ``broker`` and ``host_id``."""
    host_id: str = "khettara"


_ENVIRONMENT = "environment"
"""What an error names where no file was given."""


def load_settings(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from a file and the environment.

    Raises:
        ConfigurationError: Naming file, key, value and what would be right.
    """
    data = read_toml(path) if path is not None else {}
    for name, value in (os.environ if environment is None else environment).items():
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        if name.startswith(PREFIX) and key:
            data.setdefault(section, {})[key] = value
        elif name.startswith(PREFIX) and section in PLAIN_KEYS:
            data[section] = value
    return parse(Settings, data, str(path or _ENVIRONMENT))


def parse(model: type[M], data: Mapping[str, Any], file: str) -> M:
    """A settings model out of parsed data, its first error in our words."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        absent = first["type"] == "missing"
        needed = "a value; the key is required"
        if file == _ENVIRONMENT:
            needed += f", in a file given by --config or as {PREFIX}{key.upper().replace('.', '__')}"
        expected = {"extra_forbidden": "a known key", "missing": needed}.get(first["type"], first["msg"])
        # pydantic's input of a key that is not there is all that surrounds it
        raise ConfigurationError(file=file, key=key, value="absent" if absent else first.get("input"), expected=expected) from None
