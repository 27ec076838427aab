"""Who may use which of the Butler's own tools: looked at for whoever asks, when they ask and when it is carried out."""

import pytest
from reading import plain

from feishu_sandbox import Mention, User

ROLES = ("superuser", "owner", "other")


@pytest.mark.parametrize("role", ROLES)
async def test_connectors_shows_what_one_may_see(settle, role) -> None:
    house = await settle(role)
    said = await house.told("connectors")
    assert (house.other in said) is (role == "superuser")
    assert (f"• {house.name}: " in said) is (role != "other")
    assert ("State: connected" in said) is (role == "other")  # this bot's own


@pytest.mark.parametrize("role", ROLES)
async def test_only_who_manages_connectors_is_offered_what_changes_them(settle, role) -> None:
    house = await settle(role)
    offered = await house.told("help")
    for harmless in ("connectors", "now [zone]", "members", "search <words…>"):
        assert f"• {harmless} — " in offered
    for name in ("enable-connector <name>", "disable-connector <name>", "send-to-chat <chat> <text>"):
        assert (f"• {name} — " in offered) is (role != "other")


@pytest.mark.parametrize("line", ["enable-connector {}", "disable-connector {}", "send-to-chat oc_x hello"])
async def test_nobody_else_is_even_asked_about(settle, line) -> None:
    house = await settle("other")
    assert "You may not use" in await house.told(line.format(house.name))
    assert all(message.msg_type != "interactive" for message in house.company.replies())


async def test_a_bot_has_no_rights_whatever_its_id(settle, superusers) -> None:
    house = await settle(ignore_bot_messages=False)
    house.app.include_bots = True
    robot = house.world.add_app("Robot")
    house.group.apps.append(robot)
    superusers.add(robot.open_id_for(house.app))
    mention = Mention("@_user_1", house.app)
    for line in (f"enable-connector {house.other}", "send-to-chat oc_x hello"):
        asked = house.world.post(robot, house.group, "text", {"text": f"@_user_1 {line}"}, mentions=[mention])
        assert "You may not use" in plain(await house.company.answer(asked))


async def test_what_was_approved_is_done_by_a_bot_that_was_restarted_since(settle) -> None:
    """faults.md 43: everything it takes is in the database."""
    house = await settle("superuser")
    runtime = house.company.runtime
    worker, link = runtime._approvals.worker, runtime._supervisor.get(house.app.app_id)
    await worker.stop(0)
    asked = await house.ask(f"enable-connector {house.other}")
    await house.click(asked)
    await runtime.disconnect(house.app.app_id)
    assert not await house.enabled(house.other)
    await runtime.connect(link.spec)
    worker.start()
    assert "is enabled" in await house.outcome(asked)
    assert await house.enabled(house.other)


async def test_a_superuser_switches_any_connector(settle) -> None:
    house = await settle("superuser")
    assert "is enabled" in await house.approved(f"enable-connector {house.other}")
    assert await house.enabled(house.other)
    assert "is disabled" in await house.approved(f"disable-connector {house.other}")
    assert not await house.enabled(house.other)


async def test_an_owner_switches_only_their_own(settle) -> None:
    house = await settle("owner")
    said = await house.approved(f"enable-connector {house.other}")
    assert f"There is no connector {house.other}. Yours: {house.name}." in said
    assert not await house.enabled(house.other)
    assert "is enabled" in await house.approved(f"enable-connector {house.name}")


async def test_the_log_names_whoever_asked_and_whoever_approved(settle) -> None:
    house = await settle("superuser")
    await house.approved(f"enable-connector {house.other}")
    await house.company.runtime.management.logbook.flush()
    page = await house.company.runtime.management.logbook.read(limit=100)
    row = next(row for row in page.entries if row.action == "set_enabled")  # the latest
    assert row.name == house.other
    asker, approver = house.company.alice.open_id(house.app), house.bob.open_id(house.app)
    assert row.detail == {"by": asker, "from": "chat", "approved_by": approver, "enabled": True}


async def test_rights_that_are_gone_when_it_is_carried_out(settle, superusers) -> None:
    """faults.md 47, for whoever asks."""
    house = await settle("superuser")
    click = house.world.click

    async def too_late(user: User, *rest):  # the asker's rights go while the card is looked at
        superusers.clear()
        return await click(user, *rest)

    house.world.click = too_late
    try:
        said = await house.approved(f"enable-connector {house.other}")
    finally:
        del house.world.click
    assert "enabled" not in said
    assert not await house.enabled(house.other)


async def test_a_plugins_own_tool_comes_first(settle) -> None:
    from nonebot_plugin_feishu_ws import butler

    @butler.tool("now")
    async def mine() -> str:
        return "half past"

    house = await settle()
    try:
        assert await house.told("now") == "half past"
        assert (await house.told("help")).count("• now") == 1
    finally:
        butler.tools.remove("now")
    assert "UTC" in await house.told("now")
