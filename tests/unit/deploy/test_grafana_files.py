"""Grafana's provisioning: parsed, and pointing at folders and roles that exist. No Grafana has read it in a test."""

from __future__ import annotations

from pathlib import Path

import yaml

from dashboards.grafana import PLUGIN
from storage.roles import Role

ROOT = Path(__file__).parents[3]
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
GRAFANA = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["grafana"]
MOUNTS = {volume.split(":")[1]: volume.split(":")[0] for volume in GRAFANA["volumes"]}


def test_the_data_source_is_the_reader_of_our_database() -> None:
    file = yaml.safe_load((PROVISIONING / "datasources" / "khettara.yaml").read_text(encoding="utf-8"))
    assert file["apiVersion"] == 1
    (source,) = file["datasources"]
    assert (source["type"], source["user"], source["url"]) == (PLUGIN, Role.READ.value, "database:5432")
    assert source["jsonData"]["database"] == "khettara"
    secret = source["secureJsonData"]["password"].removeprefix("$__file{/run/secrets/").removesuffix("}")
    assert secret in GRAFANA["secrets"]


def test_the_dashboards_are_where_the_provider_looks() -> None:
    file = yaml.safe_load((PROVISIONING / "dashboards" / "khettara.yaml").read_text(encoding="utf-8"))
    (provider,) = file["providers"]
    folder = ROOT / MOUNTS[provider["options"]["path"]]
    assert len(list(folder.glob("*.json"))) == 4
    assert provider["allowUiUpdates"] is False
    home = GRAFANA["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (folder / Path(home).name).is_file()


def test_the_provisioning_folder_is_the_one_that_is_mounted() -> None:
    assert ROOT / MOUNTS["/etc/grafana/provisioning"] == PROVISIONING
