"""No container engine runs in the tests; what can be known without one about docker-compose.yml is checked here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer.main
import yaml

from app.cli import app
from app.settings import ConsoleSettings, load_settings
from console.routes.live import router
from domain.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SCHEMA = json.loads((Path(__file__).parent / "compose_schema.json").read_text(encoding="utf-8"))
OURS = sorted(name for name, service in COMPOSE["services"].items() if service["image"] == "khettara:local")
EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)


def interpolated(text: str) -> str:
    """As compose does with nothing set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def environment(service: str) -> dict[str, str]:
    return {key: interpolated(value) for key, value in COMPOSE["services"][service].get("environment", {}).items()}


def mounts(service: str) -> list[tuple[str, str]]:
    """Host side and container side; a named volume has no slash."""
    volumes = (interpolated(volume) for volume in COMPOSE["services"][service].get("volumes", []))
    return [(volume.split(":")[0], volume.split(":")[1]) for volume in volumes]


def test_the_file_has_the_structure_of_a_compose_file() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(COMPOSE)


def test_the_schema_refuses_what_compose_would() -> None:
    for change in (
        {"comand": ["x"]},
        {"environment": {"A": 1}},
        {"depends_on": {"broker": {"condition": "healthy"}}},
        {"ports": ["1883:1883"]},
    ):
        wrong = COMPOSE | {"services": {"one": {"image": "a:b", **change}}}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate(wrong)


def test_the_services_of_the_design_are_there() -> None:
    assert set(COMPOSE["services"]) == {"broker", "database", "migrate", "ingest", "centre", "grafana"}
    assert OURS == ["centre", "ingest", "migrate"]


@pytest.mark.parametrize("service", sorted(COMPOSE["services"]))
def test_every_mounted_path_is_in_this_repository(service: str) -> None:
    for host, container in mounts(service):
        assert container.startswith("/")
        if "/" in host:
            assert (ROOT / host).exists(), f"{service} mounts {host}"
        else:
            assert host in COMPOSE["volumes"], f"{service} uses the volume {host}"


@pytest.mark.parametrize("service", sorted(COMPOSE["services"]))
def test_secrets_and_dependencies_are_declared(service: str) -> None:
    own = COMPOSE["services"][service]
    assert set(own.get("secrets", [])) <= set(COMPOSE["secrets"])
    assert set(own.get("depends_on", {})) <= set(COMPOSE["services"])
    named = {Path(value).name for value in environment(service).values() if value.startswith("/run/secrets/")}
    assert named <= set(own.get("secrets", [])), f"{service} reads a secret it is not given"
    for dependency, how in own.get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in COMPOSE["services"][dependency]


def test_no_secret_is_in_the_file() -> None:
    for service in COMPOSE["services"]:
        for key, value in environment(service).items():
            if "PASSWORD" in key:
                assert value.startswith("/run/secrets/"), f"{service}: {key}"
            assert "password=" not in value


@pytest.mark.parametrize("service", OURS)
def test_our_services_get_settings_that_the_product_accepts(service: str) -> None:
    settings = load_settings(None, environment(service))
    sites = [container for host, container in mounts(service) if host == interpolated("${SITE_FOLDER:-./sites/demo}")]
    assert [str(settings.site.folder)] == sites
    with pytest.raises(ConfigurationError):
        load_settings(None, environment(service) | {"KHETTARA_DATABASE__DNS": "x"})


@pytest.mark.parametrize("service", OURS)
def test_our_services_run_commands_that_exist(service: str) -> None:
    command: Any = typer.main.get_command(app)
    for word in COMPOSE["services"][service]["command"]:
        command = command.commands[word]
    assert command.callback is not None


def test_hosts_are_services_and_ports_are_theirs() -> None:
    for service in OURS:
        settings = load_settings(None, environment(service))
        hosts = re.findall(r"host=(\S+)", " ".join(environment(service).values()))
        assert set(hosts) == {"database"}
        if "KHETTARA_BROKER__HOST" in environment(service):
            assert settings.broker.host == "broker"
            assert f"listener {settings.broker.port}\n" in (ROOT / "deploy/mosquitto/mosquitto.conf").read_text()
            assert COMPOSE["services"]["broker"]["ports"][0].endswith(f":{settings.broker.port}")
    console = load_settings(None, environment("centre")).console
    assert console.port == ConsoleSettings().port
    assert COMPOSE["services"]["centre"]["ports"][0].endswith(f":{console.port}")
    assert f"EXPOSE {console.port}" in (ROOT / "Dockerfile").read_text()


def test_the_health_check_asks_a_page_that_exists() -> None:
    test = COMPOSE["services"]["centre"]["healthcheck"]["test"]
    path = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", test[-1])
    assert path is not None
    assert int(path[1]) == ConsoleSettings().port
    assert path[2] in {getattr(route, "path", None) for route in router.routes}
    compile(test[-1], "healthcheck", "exec")


def test_the_example_sets_every_variable_and_only_those() -> None:
    used = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", (ROOT / "docker-compose.yml").read_text()))
    assert used == EXAMPLE


def test_state_is_kept_in_volumes_our_image_may_write() -> None:
    settings = load_settings(None, environment("centre"))
    kept = [container for host, container in mounts("centre") if "/" not in host]
    assert str(settings.centre.state_folder).startswith(kept[0] + "/")
    assert f"-m 0700 {kept[0]}" in (ROOT / "Dockerfile").read_text()
