"""Every route for everybody, cell by cell (faults.md, authorisation matrix)."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from nonebot_plugin_feishu_ws.butler import tools
from nonebot_plugin_feishu_ws.config import Settings
from nonebot_plugin_feishu_ws.console.auth import Gate
from nonebot_plugin_feishu_ws.console.rest import PREFIX, router

ROLES = ("nobody", "wrong token", "owner", "another owner", "API token", "admin")
OPEN, SOME, ADMIN = (
    (401, 401, 200, 200, 200, 200),
    (401, 401, 200, 404, 200, 200),
    (401, 401, 403, 403, 201, 201),
)
TABLE: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", ""): OPEN,
    ("POST", ""): ADMIN,
    ("GET", "/ws/status"): OPEN,
    ("POST", "/ws/connect"): OPEN,
    ("POST", "/ws/disconnect"): OPEN,
    ("GET", "/approvals"): OPEN,
    ("POST", "/approvals/{action_id}"): SOME,
    ("GET", "/{id}"): SOME,
    ("PATCH", "/{id}"): SOME,
    ("DELETE", "/{id}"): (401, 401, 204, 404, 204, 204),
    ("POST", "/{id}/verify-callback"): SOME,
    ("PATCH", "/{id}/enable"): SOME,
    ("GET", "/{id}/logs"): SOME,
    ("POST", "/{id}/test-message"): SOME,
    ("GET", "/{id}/ws/status"): SOME,
    ("POST", "/{id}/ws/connect"): SOME,
    ("POST", "/{id}/ws/disconnect"): SOME,
}


@pytest.fixture(scope="module", autouse=True)
def deploy() -> Iterator[None]:
    @tools.tool("deploy", requires_approval=True)
    async def deploy(service: str) -> str:
        """Roll a service out."""
        return service

    yield
    tools.remove("deploy")


@pytest.fixture
def token_of(jwt_of, keys) -> dict[str, str | None]:
    return {
        "nobody": None,
        "wrong token": "wrong",
        "owner": jwt_of(sub="ou_owner"),
        "another owner": jwt_of(sub="ou_other"),
        "API token": keys["api_token"],
        "admin": jwt_of(sub="ou_boss", role="admin"),
    }


def test_every_route_has_a_row(api) -> None:
    """A route that is added without one is a failure here; one that others mount below our prefix, too."""
    ours = router(api.runtime.management, Gate(Settings()), Settings())
    routes = [route for route in ours.routes if isinstance(route, APIRoute) and route.include_in_schema]
    found = {(method, route.path.removeprefix(PREFIX)) for route in routes for method in route.methods or ()}
    assert found == set(TABLE)
    documented = {
        (method.upper(), path.removeprefix(PREFIX))
        for path, methods in api.app.openapi()["paths"].items()
        if path.startswith(PREFIX)
        for method in methods
    }
    assert documented == set(TABLE)
    assert {route.path for route in ours.routes if not route.include_in_schema} == {
        PREFIX,
        f"{PREFIX}/{{rest:path}}",
    }


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path"), TABLE)
async def test_route_by_role(api, token_of, method: str, path: str, role: str) -> None:
    name, app = await api.connector()
    if path.endswith(("/connect", "/enable")):
        await api.call("POST", f"{name}/verify-callback")
    if path.endswith("/{id}/ws/connect"):
        await api.call("PATCH", f"{name}/enable", json={"enabled": True})
    fresh = api.sandbox.world.add_app("fresh")
    body: Any = {
        ("POST", ""): {"name": f"new-{name}", "app_id": fresh.app_id, "app_secret": fresh.app_secret},
        ("POST", "/approvals/{action_id}"): {"approved": True},
        ("PATCH", "/{id}"): {"prefix_command": "/x"},
        ("PATCH", "/{id}/enable"): {"enabled": True},
        ("POST", "/{id}/test-message"): {"text": "hello", "chat_id": await _chat(api, app)},
    }.get((method, path))
    action_id = await api.asked(app) if "action_id" in path else ""
    url = PREFIX + path.format(id=name, action_id=action_id)
    before = await _stored(api, name)
    answer = await api.call(method, url, token_of[role], json=body)
    assert answer.status == TABLE[method, path][ROLES.index(role)], answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    if answer.status < 300:
        return
    assert answer.kind == "application/problem+json"
    assert await _stored(api, name) == before, "a refusal changes nothing"
    if action_id:
        row = await api.runtime.management.approvals.get(action_id)
        assert row.state == "pending"
    if answer.status == 401:
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="feishu-ws"')
    if answer.status == 404:
        unknown = await api.call(
            method, PREFIX + path.format(id="there-is-none", action_id="22222222"), token_of[role], json=body
        )
        assert (unknown.status, unknown.text) == (404, answer.text), "somebody else's does not exist"


async def _stored(api: Any, name: str) -> dict[str, Any]:
    """A connector, without how its connection gets on."""
    answer = await api.call("GET", name)
    held = (await api.call("GET", f"{name}/ws/status")).json["held"]
    return {**answer.json, "state": None, "held": held}


async def _chat(api: Any, app: Any) -> str:
    world = api.sandbox.world
    return world.direct_chat(world.add_user("Ada"), app).chat_id


async def test_lists_hold_what_one_may_see(api, token_of) -> None:
    name, app = await api.enabled()
    action_id = await api.asked(app)
    for role, sees in (("owner", True), ("another owner", False), ("API token", True), ("admin", True)):
        token = token_of[role]
        listed = (await api.call("GET", "", token)).json["connectors"]
        status = (await api.call("GET", "ws/status", token)).json["connections"]
        waiting = (await api.call("GET", "approvals", token)).json["approvals"]
        assert (name in [one["name"] for one in listed]) is sees, role
        assert (name in [one["name"] for one in status]) is sees, role
        assert ((action_id, True) in [(one["id"], one["may_decide"]) for one in waiting]) is sees, role
    for call in ("ws/disconnect", "ws/connect"):
        answer = await api.call("POST", call, token_of["another owner"])
        assert answer.json == {"connections": []}
    assert (await api.call("GET", f"{name}/ws/status")).json["held"] is False
