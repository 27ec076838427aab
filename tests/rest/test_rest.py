"""What can be done over REST, from outside: a real server, a real bot, and the sandbox as Feishu."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr
from reading import plain

from feishu_sandbox import ApiFault
from nonebot_plugin_feishu_ws.commands import Desk, perform
from nonebot_plugin_feishu_ws.connectors import Actor, ConnectorSpec
from nonebot_plugin_feishu_ws.console.rest import models
from nonebot_plugin_feishu_ws.texts.connectors import ConnectorTexts


@pytest.fixture
def shell(api) -> Any:
    """A shell on the same database."""
    actor = Actor("root", "shell", superuser=True)

    async def says(line: str, **secrets: str) -> Any:
        desk = Desk(api.runtime.management, actor, ConnectorTexts("en_US"), "nb feishu-ws")
        answer = await perform(desk, line, {name: SecretStr(value) for name, value in secrets.items()})
        assert not answer.failed, answer.text
        return answer

    return says


async def test_the_life_of_a_connector(api) -> None:
    world = api.sandbox.world
    app = world.add_app("Butler")
    created = await api.call(
        "POST", "", json={"name": "butler", "app_id": app.app_id, "app_secret": "of another app"}
    )
    assert created.status == 201
    made = created.json
    assert (made["name"], made["enabled"], made["verified_at"], made["state"]) == (
        "butler",
        False,
        None,
        "disabled",
    )
    assert made["has_app_secret"] is True
    assert made["has_proxy"] is False
    assert created.headers["Location"] == f"/api/integrations/feishu/{made['id']}"
    assert (await api.call("GET", created.headers["Location"])).json == made
    for reference in ("butler", app.app_id, made["id"]):
        assert (await api.call("GET", reference)).json == made

    early = await api.call("PATCH", "butler/enable", json={"enabled": True})
    assert (early.status, early.code) == (400, "not_verified")
    assert early.json["detail"] == "butler is not verified yet; verify butler first."
    early = await api.call("POST", "butler/ws/connect")
    assert (early.status, early.code) == (400, "not_enabled")
    wrong = await api.call("POST", "butler/verify-callback")
    assert (wrong.status, wrong.code) == (400, "feishu_refused")
    assert (await api.call("GET", "butler")).json["verified_at"] is None, "only success marks it verified"

    changed = await api.call("PATCH", "butler", json={"app_secret": app.app_secret})
    assert changed.status == 200
    verified = await api.call("POST", "butler/verify-callback")
    assert (verified.status, verified.json["bot"]) == (200, "Butler")
    assert verified.json["connector"]["verified_at"]
    enabled = await api.call("PATCH", "butler/enable", json={"enabled": True})
    assert enabled.json["enabled"] is True
    await api.sandbox.hub.wait_connected(app, timeout=15)
    await connected(api, "butler")

    chat = world.direct_chat(world.add_user("Ada"), app)
    sent = await api.call("POST", "butler/test-message", json={"text": "你好", "chat_id": chat.chat_id})
    message = world.messages[sent.json["message_id"]]
    assert (message.sender, plain(message)) == (app, "你好")
    assert (await api.log("ws_outbound", sent=message.message_id))[0].detail["from"] == "rest"

    away = await api.call("POST", "butler/ws/disconnect")
    assert (away.status, away.json["held"]) == (200, True)
    await api.sandbox.hub.wait_connected(app, 0, timeout=15)
    back = await api.call("POST", "butler/ws/connect")
    assert back.json["held"] is False
    await connected(api, "butler")

    rolled = await api.call("PATCH", "butler", json={"app_secret": "rolled", "prefix_command": "/ai"})
    assert (rolled.json["enabled"], rolled.json["verified_at"]) == (False, None)
    assert rolled.json["prefix_command"] == "/ai"
    assert (await api.call("PATCH", "butler", json={"prefix_command": None})).json["prefix_command"] == ""

    page = (await api.call("GET", "butler/logs?limit=500")).json
    done = [entry["action"] for entry in page["entries"] if entry["detail"].get("from") == "rest"]
    assert [action for action in reversed(done) if action != "command_denied"] == [
        *("create_connector", "verify_callback", "update_connector", "verify_callback", "set_enabled"),
        *("ws_outbound", "ws_disconnected", "ws_connecting"),
        *("update_connector", "verification_reset", "update_connector"),
    ]
    assert {entry["detail"]["by"] for entry in page["entries"] if "by" in entry["detail"]} == {"api-token"}
    gone = await api.call("DELETE", "butler")
    assert (gone.status, gone.text) == (204, "")
    assert (await api.call("GET", "butler")).code == "not_found"
    assert await api.log("remove_connector", by="api-token")


async def connected(api: Any, name: str, state: str = "connected") -> None:
    async with asyncio.timeout(15):
        while (await api.call("GET", f"{name}/ws/status")).json["state"] != state:
            pass


async def test_others_see_it_at_once_and_the_other_way_round(api, shell) -> None:
    name, app = await api.connector()
    assert (await shell(f"show {name}")).data["app_id"] == app.app_id
    await shell(f"verify {name}")
    await shell(f"enable {name}")
    await api.sandbox.hub.wait_connected(app, timeout=15)
    assert (await api.call("GET", name)).json["enabled"] is True
    await api.call("POST", f"{name}/ws/disconnect")
    await api.sandbox.hub.wait_connected(app, 0, timeout=15)
    ((_, reported),) = (await shell(f"status {name}")).connectors
    assert reported.held
    await shell(f"connect {name}")
    await api.sandbox.hub.wait_connected(app, timeout=15)
    await shell(f"set {name} prefix_command=/ops")
    assert (await api.call("GET", name)).json["prefix_command"] == "/ops"
    await api.call("PATCH", name, json={"prefix_command": "/rest", "allowed_chat_ids": ["oc_a", "oc_b"]})
    data = (await shell(f"show {name}")).data
    assert (data["prefix_command"], tuple(data["allowed_chat_ids"])) == ("/rest", ("oc_a", "oc_b"))
    await shell(f"remove {name}")
    assert (await api.call("GET", name)).status == 404


async def test_all_at_once(api) -> None:
    pairs = [await api.enabled() for _ in range(2)]
    resting, _ = await api.connector()
    answer = await api.call("POST", "ws/disconnect")
    held = {one["name"]: one["held"] for one in answer.json["connections"]}
    assert all(held[name] for name, _ in pairs)
    assert not held[resting], "there is nothing to disconnect"
    for _, app in pairs:
        await api.sandbox.hub.wait_connected(app, 0, timeout=15)
    await api.call("POST", "ws/connect")
    for name, app in pairs:
        await api.sandbox.hub.wait_connected(app, timeout=15)
        await connected(api, name)
    status = (await api.call("GET", "ws/status")).json["connections"]
    assert {one["name"]: one["state"] for one in status if one["name"] == resting} == {resting: "disabled"}


async def test_the_log_by_cursor(api) -> None:
    name, _ = await api.connector()
    for number in range(7):
        await api.call("PATCH", name, json={"prefix_command": f"/{number}"})
    whole = (await api.call("GET", f"{name}/logs?limit=500")).json
    assert (len(whole["entries"]), whole["next_cursor"]) == (8, None)
    pieces: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = (await api.call("GET", f"{name}/logs?limit=3{cursor and f'&cursor={cursor}'}")).json
        pieces += page["entries"]
        cursor = page["next_cursor"]
    assert pieces == whole["entries"]
    assert pieces[-1]["action"] == "create_connector"
    for query in ("limit=0", "limit=501", "limit=x", "cursor=x", "cursor=-1", f"cursor={'9' * 30}"):
        wrong = await api.call("GET", f"{name}/logs?{query}")
        assert (wrong.status, wrong.code, list(wrong.json["errors"])) == (
            400,
            "invalid",
            [query.split("=")[0]],
        )


async def test_where_a_test_message_goes(api) -> None:
    name, app = await api.connector()
    world = api.sandbox.world
    ada = world.add_user("Ada")
    chat, other = world.direct_chat(ada, app), world.add_group("Other", [ada, app])
    nowhere = await api.call("POST", f"{name}/test-message", json={"text": "hello"})
    assert (nowhere.status, nowhere.code) == (400, "no_target")
    await api.call("PATCH", name, json={"allowed_chat_ids": [chat.chat_id]})
    sent = await api.call("POST", f"{name}/test-message", json={"text": "hello"})
    assert sent.json["chat_id"] == chat.chat_id
    refused = await api.call("POST", f"{name}/test-message", json={"text": "x", "chat_id": other.chat_id})
    assert (refused.status, refused.code) == (400, "chat_not_allowed")
    assert await api.log("command_denied", verb="test", **{"from": "rest"})
    api.sandbox.faults.add(ApiFault(path=".*/im/v1/messages", times=1, status=400, code=230002, msg="no"))
    refused = await api.call("POST", f"{name}/test-message", json={"text": "x"})
    assert (refused.status, refused.code) == (400, "feishu_refused")
    api.sandbox.faults.add(ApiFault(path=".*/im/v1/messages", drop=True, times=5))
    lost = await api.call("POST", f"{name}/test-message", json={"text": "x"})
    assert (lost.status, lost.code, lost.headers["Retry-After"]) == (502, "feishu_unavailable", "5")
    api.sandbox.faults.clear()
    assert all(row.detail["error"] for row in (await api.log("ws_outbound", to=chat.chat_id))[:2])


async def test_what_is_taken_or_declared_elsewhere(api, serve, keys, tmp_path) -> None:
    name, app = await api.connector()
    same_name = {"name": name, "app_id": "cli_another", "app_secret": "secret"}
    same_app = {"name": "another", "app_id": app.app_id, "app_secret": "secret"}
    for body, field in ((same_name, "name"), (same_app, "app_id")):
        taken = await api.call("POST", "", json=body)
        assert (taken.status, taken.code, list(taken.json["errors"])) == (409, "taken", [field])
    another, _ = await api.connector()
    assert (await api.call("PATCH", another, json={"name": name})).code == "taken"

    connectors = [{"name": "declared", "app_id": "cli_declared", "app_secret": "secret", "enabled": False}]
    async with serve({**keys, "connectors": connectors}, tmp_path, api.sandbox) as declared:
        assert (await declared.call("GET", "declared")).json["source"] == "config"
        for method, path, body in (
            ("PATCH", "declared", {"prefix_command": "/x"}),
            ("PATCH", "declared/enable", {"enabled": True}),
            ("DELETE", "declared", None),
        ):
            refused = await declared.call(method, path, json=body)
            assert (refused.status, refused.code) == (409, "read_only")
            assert "FEISHU_WS__CONNECTORS" in refused.json["detail"]


async def test_secrets_that_do_not_open(serve, keys, tmp_path, feishu_sandbox) -> None:
    from nonebot_plugin_feishu_ws.storage import new_key

    async with serve({**keys, "secret_key": new_key()}, tmp_path, feishu_sandbox) as before:
        name, _ = await before.connector()
    async with serve({**keys, "secret_key": new_key()}, tmp_path, feishu_sandbox) as after:
        assert "FEISHU_WS__SECRET_KEY" in (await after.call("GET", name)).json["error"]
        for method, path, body in (
            ("PATCH", name, {"prefix_command": "/x"}),
            ("POST", f"{name}/verify-callback", None),
            ("POST", f"{name}/test-message", {"text": "x", "chat_id": "oc_1"}),
            ("POST", f"{name}/ws/disconnect", None),
        ):
            refused = await after.call(method, path, json=body)
            assert (refused.status, refused.code) == (409, "secrets_locked")
        assert (await after.call("DELETE", name)).status == 204


async def test_what_owners_may_not_do(api, jwt_of) -> None:
    name, _ = await api.connector()
    owner = jwt_of(sub="ou_owner")
    for change in (
        {"owner": "ou_other"},
        {"owner": None},
        {"domain": "lark"},
        {"proxy": "http://127.0.0.1:9"},
    ):
        refused = await api.call("PATCH", name, owner, json=change)
        assert (refused.status, refused.code) == (403, "forbidden")
    assert (await api.call("GET", name)).json["owner"] == "ou_owner"
    assert (await api.log("command_denied", by="ou_owner", verb="set"))[0].detail["from"] == "rest"
    # What one owns may be given away by an admin, and is gone at once.
    await api.call("PATCH", name, jwt_of(sub="ou_boss", role="admin"), json={"owner": "ou_other"})
    assert (await api.call("GET", name, owner)).status == 404


async def test_approvals_and_whose_they_are(api, jwt_of) -> None:
    from nonebot_plugin_feishu_ws.butler import tools

    @tools.tool("deploy", requires_approval=True)
    async def deploy(service: str) -> str:
        """Roll a service out."""
        return service

    try:
        name, app = await api.connector()
        named, other_app = await api.connector(approvers=["ou_owner"])
        first, second, third = [await api.asked(app) for _ in range(3)]
        guarded = await api.asked(other_app)
        owner, admin = jwt_of(sub="ou_owner"), jwt_of(sub="ou_boss", role="admin")
        waiting = (await api.call("GET", "approvals", owner)).json["approvals"]
        assert [(one["id"], one["connector"], one["may_decide"]) for one in waiting] == [
            *((each, name, True) for each in (first, second, third)),
            (guarded, named, False),
        ]
        assert waiting[0]["arguments"] == '{"service":"web"}'
        decided = await api.call("POST", f"approvals/{first}", owner, json={"approved": True})
        assert decided.json == {"id": first, "tool": "deploy", "state": "approved", "decided": True}
        again = await api.call("POST", f"approvals/{first.upper()}", admin, json={"approved": True})
        assert (again.status, again.json["decided"]) == (200, False)
        otherwise = await api.call("POST", f"approvals/{first}", admin, json={"approved": False})
        assert (otherwise.status, otherwise.code) == (409, "already_decided")
        await api.call("POST", f"approvals/{second}", admin, json={"approved": False})
        await api.call("POST", f"approvals/{third}", json={"approved": True})
        rows = [await api.runtime.management.approvals.get(each) for each in (first, second, third)]
        assert [(row.state, row.decided_by) for row in rows] == [
            ("approved", "ou_owner"),
            ("rejected", "api:ou_boss"),
            ("approved", "api:api-token"),
        ]
        # Who is named decides, as the bot sees them: a token says nothing of the app, nor of the chat.
        for token in (owner, admin, None):
            refused = await api.call(
                "POST", f"approvals/{guarded}", *([token] if token else []), json={"approved": True}
            )
            assert (refused.status, refused.code) == (403, "may_not_decide")
        assert await api.log("ws_auth_card_decision", approval=guarded, by="ou_owner", refused="other_app")
    finally:
        tools.remove("deploy")


def test_models_have_every_field() -> None:
    """A field that a connector gets must be settable and shown here, too."""
    settable = set(ConnectorSpec.model_fields) - {"enabled"}
    assert set(models.NewConnector.model_fields) == settable
    assert set(models.ConnectorChanges.model_fields) == settable
    shown = {name.removeprefix("has_") for name in models.ConnectorView.model_fields}
    assert shown == set(ConnectorSpec.model_fields) | {"id", "source", "state", "error", "verified_at"}
