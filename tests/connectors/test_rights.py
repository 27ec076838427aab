"""Who may do what: every function of the service, tried by everybody, on their own connector and on a foreign one."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from feishu_sandbox import Sandbox
from nonebot_plugin_feishu_ws.connectors import (
    ConnectorError,
    ConnectorService,
    ConnectorSpec,
    NotAllowed,
    NotEnabled,
    ReadOnly,
    UnknownConnector,
)
from nonebot_plugin_feishu_ws.storage import utc_now

Ask = Callable[[Any, Any, str], Awaitable[object]]
NEW = {"name": "new", "app_id": "cli_new", "app_secret": "s"}


@dataclass(frozen=True)
class Verb:
    """One way to ask, and what it is logged as; `writes`: configured connectors refuse it."""

    ask: Ask
    name: str
    writes: bool = True


VERBS = {
    "get": Verb(lambda s, who, name: s.get(who, name), "show", writes=False),
    "status": Verb(lambda s, who, name: s.status(who, name), "status", writes=False),
    "logs": Verb(lambda s, who, name: s.logs(who, name), "logs", writes=False),
    "dead_letters": Verb(lambda s, who, name: s.dead_letters(who, name), "replay", writes=False),
    "replay": Verb(lambda s, who, name: s.replay(who, name), "replay", writes=False),
    "update": Verb(lambda s, who, name: s.update(who, name, {"allow_dm": False}), "set"),
    "verify": Verb(lambda s, who, name: s.verify(who, name), "verify", writes=False),
    "set_enabled": Verb(lambda s, who, name: s.set_enabled(who, name, False), "disable"),
    "set_enabled on": Verb(lambda s, who, name: s.set_enabled(who, name, True), "enable"),
    "set_connected": Verb(lambda s, who, name: s.set_connected(who, name, False), "disconnect", writes=False),
    "set_connected on": Verb(lambda s, who, name: s.set_connected(who, name, True), "connect", writes=False),
    "remove": Verb(lambda s, who, name: s.remove(who, name), "remove"),
}
ALONE = {"create", "visible", "everything", "denied"}
"""Not about one connector: tried below, or for the runtime."""


def test_no_function_of_the_service_is_forgotten() -> None:
    public = {name for name, _ in inspect.getmembers(ConnectorService, callable) if not name.startswith("_")}
    assert public == {verb.split()[0] for verb in VERBS} | ALONE


@pytest.fixture
async def desk(manage: Any, sqlite_url: str, people: Any, feishu_sandbox: Sandbox, fields_of: Any) -> Any:
    """Two stored connectors and two configured ones: of `ou_owner`, and of nobody in the test."""
    world = feishu_sandbox.world
    fixed = [
        ConnectorSpec(
            name=name,
            app_id=(app := world.add_app(name)).app_id,
            app_secret=SecretStr(app.app_secret),
            owner=owner,
        )
        for name, owner in (("fixed", "ou_owner"), ("theirs-fixed", "ou_stranger"))
    ]
    management = await manage(sqlite_url, connectors=tuple(fixed))
    for name, owner in (("mine", "ou_owner"), ("theirs", "ou_stranger"), ("orphan", "")):
        values = fields_of(world.add_app(name), name, owner=owner or None, enabled=True)
        made = await management.store.insert(ConnectorSpec.model_validate(values))
        await management.store.change(made.id, lambda now: (now.spec, utc_now()))
    return management


async def outcome(asked: Awaitable[object]) -> ConnectorError | None:
    try:
        await asked
    except ConnectorError as error:
        return error
    return None


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["root", "shell", "owner", "other", "nobody"])
async def test_everybody_tries_everything(desk, people, rows_of, who, verb) -> None:
    actor, tried = getattr(people, who), VERBS[verb]
    for target in ("mine", "theirs", "orphan", "fixed", "theirs-fixed"):
        allowed = actor.superuser or (who == "owner" and target in ("mine", "fixed"))
        before, wishes = await desk.store.all(), await desk.statuses.wishes()
        rows = len(await rows_of(desk))
        error = await outcome(tried.ask(desk.service, actor, target))
        new = (await rows_of(desk))[rows:]
        if not allowed:
            assert type(error) is UnknownConnector
            assert await desk.store.all() == before
            assert await desk.statuses.wishes() == wishes
        elif tried.writes and "fixed" in target:
            assert type(error) is ReadOnly
        else:
            assert error is None
        if error is None and verb in ("get", "status", "logs", "dead_letters"):
            assert new == [], "looking leaves no trace"
            continue
        (row,) = new
        assert (row.detail["by"], row.detail["from"]) == (actor.who, actor.origin)
        if error is not None:
            assert (row.action, row.detail["refused"]) == ("command_denied", type(error).__name__)
            assert row.detail["verb"] == tried.name
        if not allowed:
            assert (row.connector, row.name) == (None, None), (
                "not for the stranger who owns it to read either"
            )


@pytest.mark.parametrize("who", ["owner", "other", "nobody"])
@pytest.mark.parametrize("key", ["name", "app_id", "id"])
async def test_a_foreign_connector_looks_like_an_unknown_one(desk, people, rows_of, who, key) -> None:
    theirs = await desk.service.get(people.root, "theirs")
    foreign = theirs.id if key == "id" else getattr(theirs.spec, key)
    for verb in VERBS.values():
        actor, seen = getattr(people, who), []
        for name in (foreign, "x" * len(foreign)):
            error = await outcome(verb.ask(desk.service, actor, name))
            row = (await rows_of(desk))[-1]
            assert error is not None
            facts = (type(error), str(error), vars(error), error.__cause__, error.__context__, row.detail)
            seen.append(str(facts).replace(name, "NAME"))
        assert seen[0] == seen[1]
        assert "theirs" not in seen[0]
        assert "stranger" not in seen[0]


async def test_lists_show_what_is_ones_own(desk, people) -> None:
    async def names(actor: Any) -> list[str]:
        listed = [connector.spec.name for connector in await desk.service.visible(actor)]
        assert [connector.spec.name for connector, _ in await desk.service.status(actor)] == listed
        return listed

    everything = ["fixed", "theirs-fixed", "mine", "orphan", "theirs"]
    assert await names(people.root) == await names(people.shell) == everything
    assert await names(people.owner) == ["fixed", "mine"]
    assert await names(people.other) == await names(people.nobody) == []


@pytest.mark.parametrize("who", ["root", "shell", "owner", "other", "nobody"])
async def test_only_superusers_add(desk, people, who) -> None:
    actor = getattr(people, who)
    error = await outcome(desk.service.create(actor, NEW))
    assert (error is None) is actor.superuser
    assert error is None or type(error) is NotAllowed
    assert ("new" in {c.spec.name for c in await desk.store.all()}) is actor.superuser


@pytest.mark.parametrize("change", [{"owner": "ou_owner"}, {"owner": "ou_other"}, {"owner": ""}])
async def test_only_superusers_make_owners(desk, people, change) -> None:
    assert type(await outcome(desk.service.update(people.owner, "mine", change))) is NotAllowed
    assert type(await outcome(desk.service.update(people.other, "mine", change))) is UnknownConnector
    assert await outcome(desk.service.update(people.root, "mine", change)) is None


async def test_a_new_owner_may_and_the_old_one_may_no_more(desk, people) -> None:
    await desk.service.update(people.root, "mine", {"owner": "ou_other"})
    assert type(await outcome(desk.service.get(people.owner, "mine"))) is UnknownConnector
    assert await outcome(desk.service.set_enabled(people.other, "mine", False)) is None
    assert type(await outcome(desk.service.set_connected(people.other, "mine", True))) is NotEnabled


async def test_nobody_does_not_own_what_has_no_owner(desk, people) -> None:
    orphan = await desk.service.get(people.root, "orphan")
    assert orphan.spec.owner is None
    assert not people.nobody.may_see(orphan)
