"""schemathesis over the OpenAPI document, as each role: no server errors, and nothing that it does not say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.console_stored import Served, served

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
EVERYBODY = ("anonymous", "viewer", "operator", "supervisor", "admin")


@pytest.fixture(scope="module")
def console() -> Iterator[Served]:
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def document(console: Served) -> dict[str, Any]:
    answer = httpx.get(f"{console.url}/api/v1/openapi.json", headers=console.log_in("viewer"))
    found: dict[str, Any] = answer.json()
    return found


def fuzz(console: Served, document: dict[str, Any], examples: int) -> int:
    """So many cases of each kind for every operation, each sent as everybody; how many requests that were."""
    sessions, sent = [console.log_in(role) for role in EVERYBODY], 0
    document = deepcopy(document)  # without what it says of the session: the requests bring one, or none, on purpose
    for operation in (o for operations in document["paths"].values() for o in operations.values()):
        operation.pop("security", None)
    with requests.Session() as road:
        for result in schemathesis.openapi.from_dict(document).get_all_operations():
            assert isinstance(result, Ok)
            for mode in MODES:

                @given(case=result.ok().as_strategy(generation_mode=mode))
                @settings(
                    max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )  # fmt: skip
                def one(case: schemathesis.Case[Any]) -> None:
                    nonlocal sent
                    for headers in sessions:
                        sent += 1
                        case.validate_response(case.call(base_url=console.url, headers=headers, session=road), checks=CHECKS)

                with contextlib.suppress(Unsatisfiable):  # an operation without parameters cannot be sent wrongly
                    one()
    return sent


@pytest.mark.timeout(600)
def test_no_server_errors_and_nothing_undescribed(console: Served, document: dict[str, Any]) -> None:
    assert fuzz(console, document, examples=1) > 100


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_same_for_long(console: Served, document: dict[str, Any]) -> None:
    print(fuzz(console, document, examples=100), "requests")


def test_each_operation_needs_its_log_in(console: Served, document: dict[str, Any]) -> None:
    """What the document says of security is so: without a session 401, without the token 403."""
    session = {"cookie": console.log_in("admin")["cookie"]}
    for path, operations in document["paths"].items():
        address = path.replace("{", "").replace("}", "")
        for method, operation in operations.items():
            if "security" not in operation:
                continue
            nobody = httpx.request(method, console.url + address, json={}).status_code
            assert nobody == 401 or (nobody == 404 and "inbox" in operation["security"][0]), path  # no inbox, no token
            if "token" in operation["security"][0]:
                assert httpx.request(method, console.url + address, json={}, headers=session).status_code in (403, 422), path
