"""What is asked of a meter when associating: who we are, how we prove it, how APDUs are protected."""

from __future__ import annotations

from dataclasses import dataclass, field

from protocols.dlms.acse import Mechanism
from protocols.dlms.initiate import PROPOSED, Conformance
from protocols.dlms.security import TITLE_BYTES, Keys
from protocols.dlms.signature import SigningKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Ciphering:
    """How APDUs are protected."""

    keys: Keys
    title: bytes
    """Our own system title, eight bytes."""
    counter_name: str
    """Under which our invocation counter is kept: one name for one key and title."""
    whole: bool = True
    """Whether the whole association is ciphered; False protects nothing but the answers to challenges."""
    dedicated: bool = False
    """Whether a fresh key is agreed for this association (ded-ciphering)."""
    general: bool = False
    """Whether general-glo-ciphering is used in place of the service-specific one."""

    def __post_init__(self) -> None:
        if len(self.title) != TITLE_BYTES:
            raise ValueError(f"a system title has {TITLE_BYTES} bytes, not {len(self.title)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """What is asked of the meter."""

    mechanism: Mechanism = Mechanism.NONE
    password: bytes | None = field(default=None, repr=False)
    """Of LLS."""
    ciphering: Ciphering | None = None
    signing: SigningKeys | None = None
    """Of HLS-ECDSA."""
    conformance: Conformance = PROPOSED
    max_pdu: int = 0xFFFF
    """Longest APDU we take."""
    max_value: int = 4 << 20
    """Most bytes taken for one value that comes in blocks."""

    def __post_init__(self) -> None:
        if self.mechanism not in (Mechanism.NONE, Mechanism.LLS, Mechanism.HLS_GMAC, Mechanism.HLS_ECDSA):
            raise ValueError(f"mechanism {self.mechanism.name}: none, LLS, HLS-GMAC and HLS-ECDSA are done here")
        if (self.mechanism is Mechanism.LLS) != (self.password is not None):
            raise ValueError("LLS takes a password, and nothing else does")
        if self.mechanism is Mechanism.HLS_GMAC and self.ciphering is None:
            raise ValueError("HLS-GMAC takes keys")
        if self.mechanism is Mechanism.HLS_ECDSA and (self.ciphering is None or self.signing is None):
            raise ValueError("HLS-ECDSA takes keys, for the system title too, and signing keys")

    @property
    def proves(self) -> bool:
        """Whether both sides prove themselves by challenges."""
        return self.mechanism in (Mechanism.HLS_GMAC, Mechanism.HLS_ECDSA)
