"""The description of the interface: complete, of our own forms, and kept to whatever is sent (schemathesis)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

schemathesis = pytest.importorskip("schemathesis")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis import seed as seeded  # noqa: E402
from hypothesis.errors import Unsatisfiable  # noqa: E402
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service_process import Served, serving  # noqa: E402

Serve = Callable[..., TestClient]
pytestmark = pytest.mark.filterwarnings("ignore::iepile.models.compact.predictor.UnseenLabelWarning",
                                        "ignore::DeprecationWarning:schemathesis")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
          response_schema_conformance]
ENDLESS = "/v1/documents/{id}/events"
"""Answers as long as somebody listens."""


@pytest.fixture
def description(serve: Serve) -> dict[str, Any]:
    found: dict[str, Any] = serve().get("/openapi.json").json()
    return found


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, of) for path, item in description["paths"].items() for method, of in item.items()]


def test_every_route_is_described_with_its_errors(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    assert description["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    tags = {tag["name"] for tag in description["tags"]}
    for path, method, of in operations(description):
        where = f"{method} {path}"
        assert of.get("summary") and set(of["tags"]) <= tags, where
        assert any(status.startswith("2") for status in of["responses"]), where
        if path.startswith("/v1/"):
            assert {"401", "404", "422", "429", "500", "503", "504"} <= set(of["responses"]), where
            assert "Retry-After" in of["responses"]["429"]["headers"], where
        if method == "post" and "requestBody" in of:
            assert {"400", "413"} <= set(of["responses"]), where
    text = json.dumps(description)
    assert "HTTPValidationError" not in text
    for name in ("ExtractRequest", "ExtractResponse", "Settings", "Error", "ChatError", "DocumentRow"):
        assert name in description["components"]["schemas"], name


def test_references_lead_somewhere(description: dict[str, Any]) -> None:
    def look(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(ref := node.get("$ref"), str):
                at: Any = description
                for part in ref.removeprefix("#/").split("/"):
                    at = at[part]
            for value in node.values():
                look(value)
        elif isinstance(node, list):
            for value in node:
                look(value)

    look(description)


def test_its_examples_are_answered(serve: Serve, language_model: Path) -> None:
    client = serve(model=str(language_model), engine_options={"max_new_tokens": 16})
    for path, method, of in operations(client.get("/openapi.json").json()):
        content = of.get("requestBody", {}).get("content", {}).get("application/json", {})
        for name, example in content.get("examples", {}).items():
            answer = client.request(method, path, json=example["value"])
            assert answer.status_code < 300, (path, name, answer.text)


def test_the_page_of_the_description_loads_nothing_from_elsewhere(serve: Serve) -> None:
    client = serve()
    for path in ("/docs", "/docs/docs.js", "/docs/docs.css"):
        answer = client.get(path)
        assert answer.status_code == 200 and "://" not in answer.text.replace("http://localhost", ""), path
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "innerHTML" not in client.get("/docs/docs.js").text
    assert client.get("/redoc").status_code == 404


@pytest.fixture(scope="module")
def served(compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(compact, tmp_path_factory.mktemp("described"), "--timeout", "20") as one:
        yield one


def throw(served: Served, cases: int, seed: int) -> Counter[int]:
    """Send so many made-up requests, as many to each route, right and wrong ones; how many got which status."""
    schema = schemathesis.openapi.from_url(f"{served.address}/openapi.json").exclude(path=ENDLESS)
    routes = [found.ok() for found in schema.get_all_operations()]
    statuses: Counter[int] = Counter()
    for n, route in enumerate(routes):
        for mode in GenerationMode:

            @settings(max_examples=max(1, cases // len(routes) // 2), deadline=None, database=None,
                      phases=[Phase.generate], suppress_health_check=list(HealthCheck))
            @seeded(seed + n)
            @given(case=route.as_strategy(generation_mode=mode))
            def sends(case: Any) -> None:
                statuses[case.call_and_validate(checks=CHECKS, timeout=60).status_code] += 1

            with suppress(Unsatisfiable):  # of a route without parameters every request is right
                sends()
    return statuses


def test_whatever_is_sent_is_answered_as_described(served: Served) -> None:
    statuses = throw(served, 150, 0)
    assert statuses.total() >= 60 and {200, 422} <= set(statuses), statuses
    assert "Traceback" not in served.log.read_text()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_thousand_requests_are_answered_as_described(served: Served) -> None:
    statuses = throw(served, 3000, 1)
    assert statuses.total() >= 2000 and {200, 202, 404, 422} <= set(statuses), statuses
    assert "Traceback" not in served.log.read_text()
