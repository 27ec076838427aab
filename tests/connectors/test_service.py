"""What people may do with connectors: each verb, each refusal, and the row each leaves in the log."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel.ext.asyncio.session import AsyncSession

from feishu_sandbox import ApiFault, App, Sandbox
from nonebot_plugin_feishu_ws.connectors import (
    SETTABLE,
    ConnectorError,
    ConnectorSpec,
    InvalidFields,
    NotAllowed,
    NotEnabled,
    NotVerified,
    ReadOnly,
    SecretsLocked,
    Source,
    Taken,
    UnknownConnector,
    VerificationFailed,
)
from nonebot_plugin_feishu_ws.openapi import BadCredentials
from nonebot_plugin_feishu_ws.storage import ConnectorRow, new_key, utc_now


@pytest.fixture
def app(feishu_sandbox: Sandbox) -> App:
    return feishu_sandbox.world.add_app("Butler")


@pytest.fixture
async def added(management: Any, people: Any, app: App, fields_of: Callable[..., Any]) -> Any:
    """A connector of `ou_owner`, as it is right after it was added."""
    return await management.service.create(people.root, fields_of(app, owner="ou_owner"))


@pytest.fixture
async def verified(management: Any, people: Any, added: Any) -> Any:
    return (await management.service.verify(people.root, "butler"))[0]


@pytest.fixture
async def enabled(management: Any, people: Any, verified: Any) -> Any:
    return await management.service.set_enabled(people.root, "butler", True)


async def stored(management: Any) -> list[Any]:
    return await management.store.all()


async def refused(asked: Any, error: type[ConnectorError]) -> Any:
    with pytest.raises(error) as caught:
        await asked
    assert type(caught.value) is error
    return caught.value


# --- adding ---------------------------------------------------------------------------------------------------


async def test_a_new_connector_is_neither_verified_nor_enabled(management, people, app, fields_of) -> None:
    made = await management.service.create(people.root, fields_of(app))
    (found,) = await stored(management)
    assert found == made
    assert (made.source, made.spec.enabled, made.verified_at) == (Source.STORED, False, None)
    assert made.spec.owner == "ou_root", "who adds it in a chat owns it"
    assert made.spec.app_secret.get_secret_value() == app.app_secret
    assert made.spec.allow_dm is True
    assert made.spec.approvers == ()


async def test_the_shell_owns_nothing_and_an_owner_may_be_named(
    management, people, feishu_sandbox, fields_of
) -> None:
    one, two = feishu_sandbox.world.add_app("One"), feishu_sandbox.world.add_app("Two")
    assert (await management.service.create(people.shell, fields_of(one, "one"))).spec.owner is None
    named = await management.service.create(people.root, fields_of(two, "two", owner="ou_owner"))
    assert named.spec.owner == "ou_owner"


async def test_everything_that_can_be_set_is_kept(management, people, app, fields_of) -> None:
    values = fields_of(
        app,
        verification_token="token",
        encrypt_key="key",
        proxy="http://user:word@proxy.example:3128",
        domain="lark",
        transport="ws",
        owner="ou_owner",
        approvers="ou_a, ou_b,ou_a",
        allow_dm="false",
        allow_group_mention=False,
        mention_required="no",
        allowed_chat_ids="oc_a,oc_b",
        user_whitelist=["ou_c"],
        prefix_command="/ai",
        ignore_bot_messages=False,
        rate_limit_per_minute="7",
    )
    assert set(values) == SETTABLE, "each of them"
    made = await management.service.create(people.root, values)
    (found,) = await stored(management)
    assert found == made
    spec = found.spec
    assert spec.verification_token.get_secret_value() == "token"
    assert spec.encrypt_key.get_secret_value() == "key"
    assert spec.proxy.get_secret_value() == "http://user:word@proxy.example:3128"
    assert spec.domain == "https://open.larksuite.com"
    assert spec.approvers == ("ou_a", "ou_b")
    assert (spec.allow_dm, spec.allow_group_mention, spec.mention_required) == (False, False, False)
    assert (spec.allowed_chat_ids, spec.user_whitelist) == (("oc_a", "oc_b"), ("ou_c",))
    assert (spec.prefix_command, spec.ignore_bot_messages, spec.rate_limit_per_minute) == ("/ai", False, 7)


WRONG = [
    ("name", "Butler", "a-z, 0-9"),
    ("name", "", "1 to 32"),
    ("name", "b" * 33, "1 to 32"),
    ("name", "butler\n", "a-z"),
    ("app_id", "cli a", "App ID"),
    ("app_id", 7, "App ID"),
    ("app_secret", "", "console"),
    ("app_secret", "  ", "empty"),
    ("app_secret", "canary\nsecond line", "printable"),
    ("app_secret", "canary" + "x" * 600, "512"),
    ("app_secret", SecretStr("canary\ud800"), "printable"),
    ("app_secret", None, "App Secret"),
    ("verification_token", ["canary"], "string"),
    ("encrypt_key", 7, "encrypt"),
    ("proxy", "canary", "http://"),
    ("proxy", "socks5://canary", "http://"),
    ("proxy", "http://user:canary@host:port", "http://"),
    ("domain", "http://open.feishu.example", "loopback"),
    ("domain", "ftp://open.feishu.cn", "feishu, lark"),
    ("transport", "pigeon", "ws"),
    ("owner", "two people", "open_id"),
    ("owner", "ou_a\x00", "open_id"),
    ("approvers", "ou_a,b c", "open_ids"),
    ("approvers", 7, "open_ids"),
    ("allow_dm", "perhaps", "true or false"),
    ("allowed_chat_ids", "ou_a", "oc_"),
    ("user_whitelist", "a b", "open_ids"),
    ("prefix_command", "/" * 33, "32"),
    ("rate_limit_per_minute", -1, "whole number"),
    ("rate_limit_per_minute", "many", "whole number"),
]


@pytest.mark.parametrize(("field", "value", "hint"), WRONG)
async def test_a_wrong_value_is_named_with_what_is_valid(
    manage, sqlite_url, people, app, fields_of, rows_of, field, value, hint
) -> None:
    management = await manage(sqlite_url)
    for first in (True, False):
        if first:
            before = []
            asked = management.service.create(people.root, {**fields_of(app), field: value})
        else:
            await management.service.create(people.root, fields_of(app))
            before = await stored(management)
            asked = management.service.update(people.root, "butler", {field: value})
        error = await refused(asked, InvalidFields)
        assert set(error.problems) == {field}
        assert hint in error.problems[field]
        assert error.unknown == ()
        assert "canary" not in str(error.problems)
        assert await stored(management) == before, "nothing has changed"
        row = (await rows_of(management))[-1]
        assert (row.action, row.level) == ("command_denied", "warning")
        assert row.detail["refused"] == "InvalidFields"
        assert row.detail["fields"] == [field]
        assert "canary" not in str(row)


async def test_every_wrong_field_is_named_at_once_and_what_is_missing(management, people, rows_of) -> None:
    error = await refused(
        management.service.create(people.root, {"name": "A", "allow_dm": "?"}), InvalidFields
    )
    assert set(error.problems) == {"name", "app_id", "app_secret", "allow_dm"}
    assert await stored(management) == []


@pytest.mark.parametrize("unknown", ["enabled", "id", "verified_at", "source", "secret"])
async def test_fields_that_do_not_exist_or_are_verbs_are_refused(
    management, people, app, fields_of, added, rows_of, unknown
) -> None:
    error = await refused(
        management.service.update(people.root, "butler", {unknown: "canary"}), InvalidFields
    )
    assert error.unknown == (unknown,)
    error = await refused(
        management.service.create(people.root, fields_of(app, "other", **{unknown: True})), InvalidFields
    )
    assert error.unknown == (unknown,)
    assert await stored(management) == [added]
    assert "canary" not in str(await rows_of(management))


async def test_an_empty_word_removes_what_may_be_missing(management, people, app, fields_of) -> None:
    optional = {
        "verification_token": "token",
        "encrypt_key": "key",
        "proxy": "http://proxy.example",
        "domain": "lark",
        "owner": "ou_owner",
    }
    await management.service.create(people.root, fields_of(app, **optional))
    changed = await management.service.update(people.root, "butler", dict.fromkeys(optional, ""))
    assert all(getattr(changed.connector.spec, field) is None for field in optional)
    assert set(changed.fields) == set(optional)


async def test_what_clings_to_a_pasted_secret_is_no_part_of_it(management, people, app, fields_of) -> None:
    pasted = {**fields_of(app), "app_secret": f" {app.app_secret}\r\n"}
    await management.service.create(people.root, pasted)
    await management.service.verify(people.root, "butler")


@pytest.mark.parametrize("field", ["name", "app_id"])
@pytest.mark.parametrize("by", ["stored", "config"])
async def test_a_name_or_app_is_given_once(
    manage, database_url, feishu_sandbox, people, fields_of, rows_of, field, by
) -> None:
    one, two = feishu_sandbox.world.add_app("One"), feishu_sandbox.world.add_app("Two")
    first = ConnectorSpec(name="one", app_id=one.app_id, app_secret=SecretStr(one.app_secret))
    management = await manage(database_url, connectors=(first,) if by == "config" else ())
    if by == "stored":
        await management.service.create(people.root, fields_of(one, "one"))
    same = {"name": "one"} if field == "name" else {"app_id": one.app_id}
    error = await refused(management.service.create(people.root, {**fields_of(two, "two"), **same}), Taken)
    assert error.field == field
    await management.service.create(people.root, fields_of(two, "two"))
    before = await stored(management)
    error = await refused(management.service.update(people.root, "two", same), Taken)
    assert error.field == field
    assert await stored(management) == before
    rows = [row for row in await rows_of(management) if row.action == "command_denied"]
    assert [row.detail["refused"] for row in rows] == ["Taken", "Taken"]


# --- changing -------------------------------------------------------------------------------------------------


async def test_only_success_verifies(management, people, added, feishu_sandbox, app, rows_of) -> None:
    feishu_sandbox.faults.add(
        ApiFault(path=".*/bot/v3/info", code=11205, msg="app does not have bot", times=1)
    )
    error = await refused(management.service.verify(people.root, "butler"), VerificationFailed)
    assert error.error.code == 11205
    assert await stored(management) == [added]
    before = utc_now()
    connector, info = await management.service.verify(people.root, "butler")
    assert before <= connector.verified_at <= utc_now()
    assert info.app_name == "Butler"
    assert await stored(management) == [connector]
    failed, fine = [row for row in await rows_of(management) if row.action == "verify_callback"]
    assert (failed.level, failed.connector) == ("warning", app.app_id)
    assert "11205" in failed.detail["error"]
    assert fine.detail["bot"] == "Butler"


async def test_a_wrong_secret_fails_with_feishus_own_error(management, people, verified) -> None:
    changed = await management.service.update(people.root, "butler", {"app_secret": "wrong"})
    assert changed.reset
    error = await refused(management.service.verify(people.root, "butler"), VerificationFailed)
    assert isinstance(error.error, BadCredentials)
    assert (await stored(management))[0].verified_at is None


async def test_unverified_cannot_be_enabled(management, people, added, rows_of) -> None:
    await refused(management.service.set_enabled(people.root, "butler", True), NotVerified)
    assert await stored(management) == [added]
    row = (await rows_of(management))[-1]
    assert (row.action, row.detail["verb"], row.detail["refused"]) == (
        "command_denied",
        "enable",
        "NotVerified",
    )
    assert row.connector == added.spec.app_id


async def test_disabled_cannot_be_connected(management, people, verified, rows_of) -> None:
    await refused(management.service.set_connected(people.root, "butler", True), NotEnabled)
    row = (await rows_of(management))[-1]
    assert (row.detail["verb"], row.detail["refused"]) == ("connect", "NotEnabled")


@pytest.mark.parametrize(
    "change", [{"app_id": "cli_other"}, {"app_secret": "other"}, {"domain": "https://open.feishu.example"}]
)
async def test_other_credentials_ask_for_a_verification(management, people, enabled, rows_of, change) -> None:
    changed = await management.service.update(people.root, "butler", {**change, "allow_dm": False})
    assert changed.reset
    assert set(changed.fields) == {*change, "allow_dm"}
    (now,) = await stored(management)
    assert now == changed.connector
    assert (now.verified_at, now.spec.enabled, now.spec.allow_dm) == (None, False, False)
    *_, update, reset = await rows_of(management)
    assert (update.action, reset.action) == ("update_connector", "verification_reset")
    assert reset.detail["fields"] == list(change)
    await refused(management.service.set_enabled(people.root, "butler", True), NotVerified)


async def test_other_fields_do_not(management, people, enabled, app) -> None:
    same = {"app_id": app.app_id, "app_secret": app.app_secret, "domain": ""}
    other = {"name": "maid", "prefix_command": "/ai", "proxy": "http://127.0.0.1:1"}
    changed = await management.service.update(people.root, "butler", {**same, **other})
    assert not changed.reset
    assert set(changed.fields) == set(other)
    (now,) = await stored(management)
    assert now.spec.enabled
    assert now.verified_at == enabled.verified_at


async def held(management) -> set[str]:
    """The apps somebody has disconnected."""
    return {app_id for app_id, wish in (await management.statuses.wishes()).items() if wish.held}


async def test_hold_and_release(management, people, enabled, app) -> None:
    await management.service.set_connected(people.root, "butler", False)
    assert await held(management) == {app.app_id}
    await management.service.set_connected(people.root, "butler", True)
    assert await held(management) == set()
    await management.service.set_connected(people.root, "butler", False)
    await management.service.set_enabled(people.root, "butler", True)
    assert await held(management) == set(), "enabling connects"


async def test_what_is_removed_is_gone_with_its_secrets_and_its_log_stays(
    management, people, enabled, app, fields_of
) -> None:
    await management.service.remove(people.root, app.app_id)
    assert await stored(management) == []
    await refused(management.service.get(people.root, "butler"), UnknownConnector)
    again = await management.service.create(people.root, fields_of(app))
    assert again.verified_at is None
    actions = [entry.action for entry in (await management.service.logs(people.root, "butler")).entries]
    assert actions == [
        "create_connector",
        "remove_connector",
        "set_enabled",
        "verify_callback",
        "create_connector",
    ]


async def test_it_is_found_by_name_app_id_and_id_and_names_come_first(
    management, people, added, feishu_sandbox, fields_of
) -> None:
    for key in ("butler", added.spec.app_id, added.id):
        assert await management.service.get(people.root, key) == added
    app = feishu_sandbox.world.add_app("Cuckoo")
    cuckoo = {**fields_of(app, "aaa", owner="ou_owner"), "app_id": "butler"}
    await management.service.create(people.root, cuckoo)
    assert (await management.service.get(people.root, "butler")).spec.name == "butler"
    assert (await management.service.get(people.root, "aaa")).spec.app_id == "butler"


# --- others at the same time ------------------------------------------------------------------------------------


async def test_a_verification_is_about_the_credentials_it_was_made_with(
    management, people, added, app, feishu_sandbox, monkeypatch
) -> None:
    """While Feishu is asked, somebody else enters another secret: that one is asked about then."""
    service, asked = management.service, []
    ask = service._verify

    async def slow(spec: ConnectorSpec) -> Any:
        info = await ask(spec)
        asked.append(spec.app_secret.get_secret_value())
        if len(asked) == 1:
            app.app_secret = "rolled"
            feishu_sandbox.tokens.invalidate()
            await service.update(people.root, "butler", {"app_secret": "rolled"})
        return info

    monkeypatch.setattr(service, "_verify", slow)
    old = app.app_secret
    connector, _ = await service.verify(people.root, "butler")
    assert asked == [old, "rolled"]
    assert connector.spec.app_secret.get_secret_value() == "rolled"
    assert await stored(management) == [connector]
    assert connector.verified_at is not None


async def test_a_removed_connector_is_not_brought_back_by_a_verification(
    management, people, added, monkeypatch
) -> None:
    service = management.service
    ask = service._verify

    async def slow(spec: ConnectorSpec) -> Any:
        await service.remove(people.root, "butler")
        return await ask(spec)

    monkeypatch.setattr(service, "_verify", slow)
    await refused(service.verify(people.root, "butler"), UnknownConnector)
    assert await stored(management) == []


async def test_changes_at_the_same_time_do_not_undo_each_other(
    manage, database_url, people, app, fields_of
) -> None:
    shell, bot = await manage(database_url), await manage(database_url)
    await shell.service.create(people.shell, fields_of(app))
    changes: list[dict[str, object]] = [
        {"allow_dm": False},
        {"prefix_command": "/ai"},
        {"rate_limit_per_minute": 3},
        {"verification_token": "token"},
        {"allowed_chat_ids": "oc_a"},
        {"owner": "ou_owner"},
    ]
    await asyncio.gather(
        *(
            (shell if number % 2 else bot).service.update(people.root, "butler", change)
            for number, change in enumerate(changes)
        )
    )
    (now,) = await stored(shell)
    assert not now.spec.allow_dm
    assert (now.spec.prefix_command, now.spec.rate_limit_per_minute) == ("/ai", 3)
    assert now.spec.verification_token.get_secret_value() == "token"
    assert (now.spec.allowed_chat_ids, now.spec.owner) == (("oc_a",), "ou_owner")


async def test_of_two_who_add_the_same_one_wins(manage, database_url, people, app, fields_of) -> None:
    shell, bot = await manage(database_url), await manage(database_url)
    outcomes = await asyncio.gather(
        *(one.service.create(people.root, fields_of(app)) for one in (shell, bot)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Connector", "Taken"]
    assert len(await stored(shell)) == 1


async def test_who_loses_a_connector_in_the_middle_cannot_change_it(
    management, people, added, monkeypatch
) -> None:
    """Between the look and the write the owner becomes another."""
    service = management.service
    change = management.store.change

    async def late(id_: str, how: Any) -> Any:
        monkeypatch.undo()
        await service.update(people.root, "butler", {"owner": "ou_other"})
        return await change(id_, how)

    monkeypatch.setattr(management.store, "change", late)
    error = await refused(service.update(people.owner, "butler", {"prefix_command": "/x"}), UnknownConnector)
    assert error.known == ()
    assert (await stored(management))[0].spec.prefix_command == ""


# --- configuration, locked secrets, other versions ------------------------------------------------------------------


@pytest.fixture
async def configured(manage: Any, database_url: str, app: App) -> Any:
    spec = ConnectorSpec(
        name="fixed", app_id=app.app_id, app_secret=SecretStr(app.app_secret), owner="ou_owner"
    )
    return await manage(database_url, connectors=(spec,))


async def test_configured_connectors_are_read_only(configured, people, rows_of) -> None:
    service = configured.service
    for actor in (people.root, people.owner):
        for asked in (
            service.update(actor, "fixed", {"allow_dm": False}),
            service.set_enabled(actor, "fixed", False),
            service.set_enabled(actor, "fixed", True),
            service.remove(actor, "fixed"),
        ):
            await refused(asked, ReadOnly)
    rows = await rows_of(configured)
    assert [row.detail["verb"] for row in rows] == ["set", "disable", "enable", "remove"] * 2
    assert {row.detail["refused"] for row in rows} == {"ReadOnly"}


async def test_configured_connectors_can_be_verified_held_and_released(configured, people, app) -> None:
    service = configured.service
    connector, info = await service.verify(people.owner, "fixed")
    assert (info.app_name, connector.source, connector.verified_at) == ("Butler", Source.CONFIG, None)
    await service.set_connected(people.owner, "fixed", False)
    assert await held(configured) == {app.app_id}
    await service.set_connected(people.owner, "fixed", True)
    assert await held(configured) == set()


async def test_configuration_hides_a_stored_connector_of_the_same_app_or_name(
    manage, database_url, people, feishu_sandbox, fields_of
) -> None:
    one, two, three = (feishu_sandbox.world.add_app(name) for name in ("One", "Two", "Three"))
    before = await manage(database_url)
    await before.service.create(people.root, fields_of(one, "one"))
    await before.service.create(people.root, fields_of(two, "two"))
    specs = (
        ConnectorSpec(name="one", app_id=three.app_id, app_secret=SecretStr("x")),
        ConnectorSpec(name="second", app_id=two.app_id, app_secret=SecretStr("x")),
    )
    after = await manage(database_url, connectors=specs)
    assert [(c.spec.name, c.source) for c in await after.service.everything()] == [
        ("one", Source.CONFIG),
        ("second", Source.CONFIG),
    ]
    assert len(await stored(after)) == 2, "hidden, not lost"


async def test_with_another_key_secrets_stay_locked_and_nothing_is_lost(
    manage, database_url, people, app, fields_of, rows_of
) -> None:
    mine, other = new_key(), new_key()
    management = await manage(database_url, secret_key=SecretStr(mine))
    await management.service.create(people.root, fields_of(app, encrypt_key="key"))
    await management.service.verify(people.root, "butler")
    before = await stored(management)
    stranger = await manage(database_url, secret_key=SecretStr(other))
    seen = await stranger.service.get(people.root, "butler")
    assert seen.locked is not None
    assert not seen.runnable
    service = stranger.service
    for asked in (
        service.update(people.root, "butler", {"app_secret": "new"}),
        service.verify(people.root, "butler"),
        service.set_enabled(people.root, "butler", True),
        service.set_connected(people.root, "butler", True),
    ):
        error = await refused(asked, SecretsLocked)
        assert "FEISHU_WS__SECRET_KEY" in str(error.error)
    refusals = [row.detail["refused"] for row in await rows_of(stranger) if "refused" in row.detail]
    assert refusals == ["SecretsLocked"] * 4
    assert await stored(management) == before
    await service.remove(people.root, "butler")
    assert await stored(management) == []


async def test_what_another_version_stored_is_left_out_and_left_alone(
    management, people, added, app, fields_of, feishu_sandbox, caplog
) -> None:
    other = await management.service.create(
        people.root, fields_of(feishu_sandbox.world.add_app("B"), "other")
    )

    async def newer(session: AsyncSession) -> None:
        row = await session.get(ConnectorRow, added.id)
        assert row is not None
        row.transport = "pigeon"
        row.policy = {**row.policy, "a_newer_field": 1}

    await management.database.write(newer)
    assert await stored(management) == [other]
    await refused(management.service.get(people.root, "butler"), UnknownConnector)
    await refused(management.service.create(people.root, fields_of(app)), Taken)
    assert "butler: left out, not understood: transport" in caplog.text
    async with management.database.session() as session:
        row = await session.get(ConnectorRow, added.id)
        assert row is not None
        assert (row.transport, row.policy["a_newer_field"]) == ("pigeon", 1)


# --- looking --------------------------------------------------------------------------------------------------


async def test_logs_come_by_page_and_name_who_from_where_and_what(management, people, enabled, app) -> None:
    page = await management.service.logs(people.owner, "butler", limit=2)
    assert [entry.action for entry in page.entries] == ["set_enabled", "verify_callback"]
    page = await management.service.logs(people.owner, "butler", cursor=page.cursor)
    (entry,) = page.entries
    assert (entry.action, entry.connector, entry.name) == ("create_connector", app.app_id, "butler")
    assert (entry.detail["by"], entry.detail["from"]) == ("ou_root", "chat")
    assert entry.detail["fields"] == {
        "name": "butler",
        "app_id": app.app_id,
        "app_secret": True,
        "owner": "ou_owner",
    }


async def test_a_refused_stranger_cannot_write_novels_into_the_log(management, people, rows_of) -> None:
    await refused(management.service.get(people.other, "x" * 5000), UnknownConnector)
    management.service.denied(people.nobody, "approve", "y" * 5000)
    one, two = await rows_of(management)
    assert (one.detail["verb"], one.detail["connector"]) == ("show", "x" * 64)
    assert (two.detail["verb"], two.detail["connector"], two.connector) == ("approve", "y" * 64, None)
    assert two.detail["by"] == ""


async def test_only_superusers_add_give_away_or_say_where_requests_go(
    management, people, added, app, fields_of, rows_of
) -> None:
    """faults.md, SSRF: an owner need not answer for the network the bot is in."""
    error = await refused(management.service.create(people.owner, fields_of(app, "mine")), NotAllowed)
    assert error.verb == "add"
    error = await refused(
        management.service.update(people.owner, "butler", {"owner": "ou_other"}), NotAllowed
    )
    assert error.verb == "set owner"
    for field, value in (("domain", "lark"), ("proxy", "http://127.0.0.1:9")):
        error = await refused(management.service.update(people.owner, "butler", {field: value}), NotAllowed)
        assert error.verb == f"set {field}"
    assert await stored(management) == [added]
    create, give = (await rows_of(management))[-4:-2]
    assert (create.detail["verb"], create.detail["by"], create.connector) == ("add", "ou_owner", None)
    assert (give.detail["verb"], give.connector) == ("set", added.spec.app_id)
