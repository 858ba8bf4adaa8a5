"""Grafana's provisioning: parsed, and pointing at folders and roles that exist. No Grafana has read it in a test."""

from __future__ import annotations

from pathlib import Path

import yaml

from dashboards.build import DASHBOARDS
from dashboards.grafana import PLUGIN
from dashboards.push import FOLDERS, folder_uid
from dashboards.specs import LANGUAGES
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


def test_the_dashboards_are_where_the_providers_look() -> None:
    file = yaml.safe_load((PROVISIONING / "dashboards" / "khettara.yaml").read_text(encoding="utf-8"))
    providers = {provider["name"].removeprefix("khettara-"): provider for provider in file["providers"]}
    assert set(providers) == set(LANGUAGES)
    (mount,) = (target for target in MOUNTS if target == "/etc/khettara/dashboards")
    for language, provider in providers.items():
        folder = ROOT / MOUNTS[mount] / Path(provider["options"]["path"]).relative_to(mount)
        assert len(list(folder.glob("*.json"))) == len(DASHBOARDS)
        assert provider["folderUid"] == folder_uid(language)
        assert provider["folder"] == FOLDERS[language]
        assert provider["allowUiUpdates"] is False
    home = Path(GRAFANA["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / MOUNTS[mount] / home.relative_to(mount)).is_file()


def test_the_provisioning_folder_is_the_one_that_is_mounted() -> None:
    assert ROOT / MOUNTS["/etc/grafana/provisioning"] == PROVISIONING
