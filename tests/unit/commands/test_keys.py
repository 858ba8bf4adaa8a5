"""The desk's key: made once, private."""

from __future__ import annotations

import stat
from pathlib import Path

from commands.keys import ensure_key_pair
from protocols.sparkplug.commands import sign, verify
from protocols.sparkplug.keys import load_public_key


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    private, public_path, key_id = ensure_key_pair(tmp_path / "keys")
    again, _, same_id = ensure_key_pair(tmp_path / "keys")
    assert same_id == key_id
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "keys").iterdir()}
    assert modes["command.key.pem"] == 0o600
    assert verify(b"order", sign(b"order", again), load_public_key(public_path))
    assert private.private_bytes_raw() == again.private_bytes_raw()
