"""Who may use which of the Butler's own tools: looked at for whoever asks, when they ask and when it is carried out."""

import pytest

from feishu_sandbox import User

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
