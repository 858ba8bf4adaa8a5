"""The start script: one set of rights for each group of the site, a key of the broker's own, and clear words when it cannot."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from protocols.mqtt import Deed
from tests.integration.security.conftest import Secured, make_known
from tests.support.tls_broker import DEPLOY, WITNESS, Identities, tls_broker


async def test_every_group_of_the_site_has_its_rights_and_no_other(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    known = make_known(identities, tmp_path)
    with tls_broker(tmp_path, identities, groups="north south.2") as broker:
        secured = Secured(broker, identities, known)
        async with secured.client(WITNESS) as witness, secured.client("gw-a") as gateway:
            await witness.subscribe_to("#", qos=1)
            for group in ("north", "demo", "south.2", "southX2"):
                await gateway.publish(f"spBv1.0/{group}/NDATA/gw-a", b"", qos=1)
            await witness.publish("fence", qos=1)
            seen = [(await anext(witness.messages)).topic.value for _ in range(3)]
        assert seen == ["spBv1.0/north/NDATA/gw-a", "spBv1.0/south.2/NDATA/gw-a", "fence"]
        assert [denied.deed for denied in secured.heard] == [Deed.PUBLISH] * 2
    assert (tmp_path / "broker.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "acl").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("groups", ["", "a/b", "north so#uth", "a +", "x&y"])
def test_without_groups_that_can_be_it_does_not_start(tmp_path: Path, groups: str) -> None:
    config = tmp_path / "tls.conf"
    text = (DEPLOY / "tls.conf").read_text(encoding="utf-8")
    config.write_text(text.replace("/mosquitto/data/", f"{tmp_path}/").replace("/mosquitto/certificates/", f"{tmp_path}/"))
    environment = os.environ | {"CONFIG": str(config), "TEMPLATE": str(DEPLOY / "tls.acl"), "GROUPS_OF_SITE": groups}
    done = subprocess.run(["sh", str(DEPLOY / "start-tls.sh")], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "GROUPS_OF_SITE" in done.stderr


@pytest.mark.parametrize(
    "foreign",
    [
        "lora=", "=a/b", "lora=#", "lora=+/+/NCMD/+", "lora=spBv1.0/demo/NCMD/gw-a", "khettara-ingest=a/b", "a/b", "lora=a/%u",
        "lora=a/#/b", "%u/data", "lora=/a", "a/b%u", "%c=a/b", "a b", "lora=a/b\ntopic", "lora=STATE/x", "lora=$SYS/a",
    ],
)  # fmt: skip
def test_foreign_topics_that_cannot_be_granted_stop_the_start(tmp_path: Path, foreign: str) -> None:
    config = tmp_path / "tls.conf"
    text = (DEPLOY / "tls.conf").read_text(encoding="utf-8")
    config.write_text(text.replace("/mosquitto/data/", f"{tmp_path}/").replace("/mosquitto/certificates/", f"{tmp_path}/"))
    here = {"CONFIG": str(config), "TEMPLATE": str(DEPLOY / "tls.acl"), "GROUPS_OF_SITE": "demo", "FOREIGN_OF_SITE": foreign}
    done = subprocess.run(["sh", str(DEPLOY / "start-tls.sh")], env=os.environ | here, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "FOREIGN_OF_SITE" in done.stderr
