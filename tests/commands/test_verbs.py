"""Every verb: what it does, what it answers, who may."""

import json

import pytest

from nonebot_plugin_feishu_ws.delivery import Inbox, Incoming, Lease


async def test_the_life_of_a_connector(counter) -> None:
    app = await counter.added("butler", mention_required="false")
    assert f"⚪ disabled butler ({app.app_id})" in (await counter.says("list")).text

    refused = await counter.says("enable butler")
    assert refused.failed
    assert "verify butler first" in refused.text

    verified = await counter.says("verify butler")
    assert "its bot is “Butler”" in verified.text
    assert not (await counter.says("enable butler")).failed
    shown = (await counter.says("show butler")).text
    for line in (
        f"app_id: {app.app_id}",
        "app_secret: set",
        "proxy: not set",
        "mention_required: false",
        "enabled: true",
    ):
        assert line in shown
    assert app.app_secret not in shown

    changed = await counter.says("set butler rate_limit_per_minute=20")
    assert changed.text == "Changed butler: rate_limit_per_minute."
    assert "as it was" in (await counter.says("set butler rate_limit_per_minute=20")).text
    reset = await counter.says("set butler domain=lark")
    assert "disabled until you verify butler" in reset.text
    assert "enabled: false" in (await counter.says("show butler")).text

    logs = (await counter.says("logs butler 50")).text
    for action in (
        "create_connector",
        "verify_callback",
        "set_enabled",
        "update_connector",
        "verification_reset",
    ):
        assert action in logs
    assert app.app_secret not in logs

    assert "Removed butler" in (await counter.says("remove butler")).text
    assert "There is no connector yet" in (await counter.says("list")).text


async def test_wrong_credentials_are_told_and_change_nothing(counter) -> None:
    await counter.added("butler")
    await counter.says("set butler", app_secret="wrong")
    answer = await counter.says("verify butler")
    assert answer.failed
    assert "Check App ID, App Secret and domain" in answer.text
    assert "wrong" not in answer.text
    assert json.loads(json.dumps((await counter.says("show butler")).data))["verified_at"] is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("show nobody", "There is no connector nobody. Yours: butler."),
        ("set butler allow_dm=perhaps", "allow_dm is not valid. It takes true or false"),
        ("set butler rate_limit_per_minute=-1", "It takes 0 to 1000"),
        ("set butler allow_everything=1", "There is no field allow_everything. Fields: name, app_id"),
        ("set butler enabled=true", "There is no field enabled"),
        ("set butler allow_dm", "“allow_dm” is not of the form field=value"),
        ("set butler app_secret=abc", "Never write a secret (app_secret)"),
        ("add butler app_id=cli_other", "Another connector has this name already"),
        ("add Big app_id=cli_other", "name is not valid"),
        ("connect butler", "butler is not enabled; enable butler first"),
        ("enabel butler", "Did you mean enable"),
        ("logs butler many", "Usage: /feishu logs NAME [N]"),
        ("test butler hello", "nowhere for butler to send to"),
    ],
)
async def test_what_does_not_work_says_why_and_changes_nothing(counter, line: str, said: str) -> None:
    await counter.added("butler")
    before = (await counter.says("show butler")).data
    answer = await counter.says(line, **({"app_secret": "s"} if line.startswith("add") else {}))
    assert answer.failed
    assert said in answer.text
    assert (await counter.says("show butler")).data == before


async def test_every_error_is_said_in_chinese_too(counter) -> None:
    await counter.added("butler")
    for line, said in {
        "show nobody": "没有名为 nobody 的连接器",
        "enable butler": "尚未验证",
        "set butler allow_dm=x": "字段 allow_dm 无效：应为 true 或 false",
        "enabel butler": "你是想说 enable",
    }.items():
        assert said in (await counter.says(line, locale="zh_CN")).text


async def test_owners_see_their_own_and_nothing_else(counter) -> None:
    await counter.added("mine", owner="ou_owner")
    await counter.added("other", owner="ou_somebody")
    owner = {"who": "ou_owner", "superuser": False}
    assert "other" not in (await counter.says("list", **owner)).text
    assert "mine" in (await counter.says("status", **owner)).text
    assert not (await counter.says("verify mine", **owner)).failed
    assert not (await counter.says("enable mine", **owner)).failed
    for verb in (
        "show",
        "verify",
        "enable",
        "disable",
        "connect",
        "disconnect",
        "logs",
        "remove",
        "set",
        "status",
    ):
        foreign = await counter.says(f"{verb} other", **owner)
        unknown = await counter.says(f"{verb} nobody", **owner)
        assert foreign.failed
        assert foreign.text == unknown.text.replace("nobody", "other"), verb
    denied = await counter.says("add third app_id=cli_x", app_secret="s", **owner)
    assert denied.text == "You may not do this."
    assert (await counter.says("set mine owner=ou_somebody", **owner)).failed
    assert "other" in (await counter.says("list")).text


async def test_a_test_message_goes_where_it_may(counter) -> None:
    world = counter.sandbox.world
    alice = world.add_user("Alice")
    app = await counter.added("butler")
    group, other = world.add_group("Allowed", [alice, app]), world.add_group("Other", [alice, app])
    sent = await counter.says(f"test butler {group.chat_id} hello there")
    assert not sent.failed
    assert world.messages[sent.data["message_id"]].text == "hello there"
    await counter.says(f"set butler allowed_chat_ids={group.chat_id}")
    assert "not among the allowed_chat_ids" in (await counter.says(f"test butler {other.chat_id} hello")).text
    assert (await counter.says("test butler hello")).data["chat"] == group.chat_id
    await counter.says("set butler allowed_chat_ids=")
    assert "nowhere for butler" in (await counter.says("test butler hello")).text
    lease = Lease(counter.management.database, label="bot")
    await lease.start()
    inbox = Inbox(counter.management.database, lease)
    inbox.start()
    await inbox.accept(Incoming(app.app_id, "event", "im.message.receive_v1", b"{}", chat_id=other.chat_id))
    await inbox.stop()
    await lease.stop()
    assert (await counter.says("test butler hello")).data["chat"] == other.chat_id
    nowhere = await counter.says("test butler oc_nowhere hello")
    assert nowhere.failed


async def test_configured_connectors_are_shown_and_read_only(make_counter) -> None:
    app_secret = "configured-secret"
    counter = await make_counter(
        connectors=[{"name": "fixed", "app_id": "cli_fixed", "app_secret": app_secret}]
    )
    assert "fixed(config)" in (await counter.says("list")).text.replace(" ", "")
    for line in ("set fixed allow_dm=false", "enable fixed", "disable fixed", "remove fixed"):
        answer = await counter.says(line)
        assert answer.failed
        assert "declared in configuration" in answer.text
    assert (
        "Another connector has this app_id"
        in (await counter.says("add second app_id=cli_fixed", app_secret="s")).text
    )
    assert not (await counter.says("disconnect fixed")).failed
    assert app_secret not in (await counter.says("show fixed")).text


async def test_a_lost_key_locks_secrets_and_loses_nothing(make_counter, tmp_path) -> None:
    counter = await make_counter()
    await counter.added("butler")
    await counter.management.stop()
    key_file = next(tmp_path.glob("*.key"))
    key = key_file.read_text()
    key_file.unlink()

    other = await make_counter()
    for line in ("verify butler", "set butler allow_dm=false", "enable butler"):
        answer = await other.says(line)
        assert answer.failed
        assert "FEISHU_WS__SECRET_KEY" in answer.text
    await other.management.stop()

    key_file.write_text(key)
    restored = await make_counter()
    assert not (await restored.says("verify butler")).failed


async def test_help_shows_every_verb_and_every_field(counter) -> None:
    from nonebot_plugin_feishu_ws.commands.grammar import VERBS
    from nonebot_plugin_feishu_ws.connectors import SETTABLE

    said = (await counter.says("help")).text
    for verb in VERBS:
        assert f"/feishu {verb}" in said
    fields = (await counter.says("help set")).text
    for field in SETTABLE - {"name", "app_secret", "verification_token", "encrypt_key", "proxy"}:
        assert f"• {field} — " in fields
    assert "修改字段" in (await counter.says("help set", locale="zh_CN")).text
