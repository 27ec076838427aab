"""The OpenAPI document is whole, and what is answered is what it says, whatever is sent."""

import asyncio
from copy import deepcopy
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

PREFIX = "/api/integrations/feishu"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 20


def ours(document: dict[str, Any]) -> dict[str, Any]:
    """The part of the document that is about us, with nothing in it that would allow for anything."""
    strict = deepcopy(document)
    strict["paths"] = {path: methods for path, methods in strict["paths"].items() if path.startswith(PREFIX)}
    for methods in strict["paths"].values():
        for operation in methods.values():
            del operation["responses"]["default"]
    return strict


def without_tokens(document: dict[str, Any]) -> dict[str, Any]:
    """The same, for a test that brings its own."""
    open_ = deepcopy(document)
    for _, operation in operations(open_):
        del operation["security"]
    return open_


@pytest.fixture(scope="module")
def document(api) -> dict[str, Any]:
    return ours(api.app.openapi())


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_whole(document) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids)) == 17
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"].endswith("."), name
        assert operation["security"] == [{"feishu-ws": []}], name
        assert {"401", "403", "413", "415", "429", "500", "503"} <= set(operation["responses"]), name
        assert "422" not in operation["responses"], name
        if "{" in name:
            assert "404" in operation["responses"], name
        for status, response in operation["responses"].items():
            kinds = {"204": set()}.get(status, {"application/json" if status < "300" else PROBLEM})
            assert set(response.get("content", {})) == kinds, (name, status)
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], name
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        if name in ("NewConnector", "ConnectorChanges", "Enabling", "TextToSend", "Deciding"):
            assert schema["additionalProperties"] is False
        for field, what in schema["properties"].items():
            documented = {"description", "examples", "$ref"} & set(what)
            assert documented or name not in ("NewConnector", "ConnectorChanges", "TextToSend"), (name, field)


PROBLEM = "application/problem+json"


@pytest.mark.timeout(120)  # on machines that may be busy
# The bot runs in the thread beside, and is free to use `random`.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")
async def test_what_is_answered_is_documented(api, document, keys, jwt_of) -> None:
    """Many requests for each route, fitting and not, with several tokens; always the same ones."""
    name, app = await api.enabled()
    world = api.sandbox.world
    chat = world.direct_chat(world.add_user("Ada"), app)
    await api.call("PATCH", name, json={"allowed_chat_ids": [chat.chat_id]})
    await asyncio.to_thread(fuzz, api.url, document, name, (keys["api_token"], jwt_of(sub="ou_other")))
    assert (await api.call("GET", "")).status == 200
    assert not await api.log("ws_blocked")


def fuzz(url: str, document: dict[str, Any], name: str, tokens: tuple[str, ...]) -> None:
    schema, answered = schemathesis.openapi.from_dict(without_tokens(document)), dict[str, set[int]]()
    with requests.Session() as session:
        found = [result.ok() for result in schema.get_all_operations()]
        for operation in sorted(found, key=lambda each: each.method == "delete"):
            cases = st.one_of(
                operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
                operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
            )

            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                deadline=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )
            @given(case=cases, known=st.booleans(), token=st.sampled_from(tokens))
            def ask(case: Any, known: bool, token: str) -> None:
                if known and "id" in case.path_parameters:
                    case.path_parameters["id"] = name
                # As from many places: how often one may be wrong has a test of its own.
                headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
                response = case.call(base_url=url, session=session, headers=headers)
                answered.setdefault(case.operation.label, set()).add(response.status_code)
                case.validate_response(response, checks=CHECKS)

            ask()
    assert len(answered) == 17
    assert all(200 in statuses for label, statuses in answered.items() if label.startswith("GET")), answered
    assert all(statuses & {200, 201, 204, 400} for statuses in answered.values()), answered
