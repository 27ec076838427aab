"""Buttons: what they do, for whom, and that a question asked is answered by whoever was asked, once."""

import pytest
from pydantic import SecretStr

DENIED = "You may not do this."


async def spec_of(town, name):
    return next(one for one in await town.service.visible(town.bot.root) if one.spec.name == name)


async def test_a_connector_is_run_by_clicks_alone(town, owned) -> None:
    app = await owned("mine", town.root)
    card = await town.card(town.root, "/feishu show mine")
    assert "⚪ disabled" in town.read(card)

    refused = await town.click(town.root, card, "Enable")
    assert refused.toast["type"] == "error"
    assert "verify mine first" in refused.toast["content"]
    assert "is verified; its bot is “mine”" in (await town.click(town.root, card, "Verify")).toast["content"]
    assert (await town.click(town.root, card, "Enable")).toast["type"] == "success"
    await town.shows(card, "🟢 connected")
    await town.bot.answers(app, "/feishu list")

    asked = await town.click(town.root, card, "Disable")
    assert asked.toast is None
    assert "Disable mine? Its bot disconnects at once" in town.read(card)
    assert (await spec_of(town, "mine")).spec.enabled
    done = await town.click(town.root, card, "Disable")
    assert done.toast["content"] == "mine is disabled and disconnected."
    assert not (await spec_of(town, "mine")).spec.enabled
    assert "Enable" in town.read(card)

    await town.click(town.root, card, "Logs")
    assert "set_enabled" in town.read(card)
    await town.click(town.root, card, "Status")
    assert "last heartbeat" in town.read(card)

    await town.click(town.root, card, "Remove")
    assert "Remove mine and its secrets?" in town.read(card)
    await town.click(town.root, card, "Cancel")
    assert "Connector mine" in town.read(card)
    await town.click(town.root, card, "Remove")
    gone = await town.click(town.root, card, "Remove")
    assert gone.toast["content"] == "Removed mine and its secrets."
    assert "mine ·" not in town.read(card)
    assert [one.spec.name for one in await town.service.visible(town.bot.root)] == ["desk"]


async def test_a_card_does_not_go_back_to_what_an_earlier_click_brought(town, owned) -> None:
    """Each click's card is brought by its message, too, a moment later: nobody's next click must hit a stale button."""
    await owned("mine", town.root)
    card = await town.card(town.root, "/feishu show mine")
    await town.click(town.root, card, "Verify")
    await town.click(town.root, card, "Enable")
    await town.click(town.root, card, "Logs")
    await town.click(town.root, card, "Disable")
    await town.settled()
    assert "Disable mine?" in town.read(card)
    calls = [change.data for change in town.world.feed.history if change.kind == "api_call"]
    brought = [call["request"] for call in calls if str(call["path"]).endswith(card.message_id)]
    assert brought
    assert all("Disable mine?" in request for request in brought)


async def test_the_list_stays_a_list_and_turns_its_pages(town) -> None:
    for n in range(10):
        app = town.world.add_app(f"n{n}")
        values = {"name": f"n{n}", "app_id": app.app_id, "app_secret": SecretStr(app.app_secret)}
        await town.service.create(town.bot.root, values)
    card = await town.card(town.root, "/feishu list")
    assert "(1/2)" in town.read(card)
    assert "Previous page" not in town.read(card)
    await town.click(town.root, card, "Next page")
    assert "(2/2)" in town.read(card)
    assert town.read(card).count("⚪ disabled") == 3
    name = town.read(card).split("⚪ disabled  ")[1].split(" ·")[0]
    verify = next(
        one["behaviors"][0]["value"]
        for one in town.buttons(card)
        if one["behaviors"][0]["value"]
        == {"action": "feishu_ws_do", "verb": "verify", "name": name, "page": 1}
    )
    await town.world.click(town.root, card.message_id, {"tag": "button", "value": verify})
    assert f"{name} is verified" in town.read(card)
    assert "(2/2)" in town.read(card)


@pytest.mark.parametrize(
    "value",
    [
        {"action": "feishu_ws_list", "page": 0},
        {"action": "feishu_ws_do", "verb": "verify", "name": "desk"},
        {"action": "feishu_ws_do", "verb": "logs", "name": "desk"},
        {"action": "feishu_ws_do", "verb": "disconnect", "name": "desk"},
        {"action": "feishu_ws_ask", "verb": "remove", "name": "desk"},
        {"action": "feishu_ws_confirm", "nonce": "x"},
        {"action": "feishu_ws_add"},
        {"action": "feishu_ws_set", "name": "desk"},
        {"action": "feishu_ws_form", "nonce": "x"},
        {"action": "feishu_ws_whatever"},
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()),
)
async def test_who_clicks_is_what_feishu_says(town, owned, value) -> None:
    """On a superuser's card: somebody without rights gets nothing, an owner nothing of what is not theirs."""
    await owned("theirs", town.owner)
    card = await town.answer(await town.ask(town.root, "/feishu show desk", town.group))
    before, known = town.read(card), await town.service.visible(town.bot.root)
    claims = {**value, "operator": town.root.open_id(town.app), "open_id": town.root.open_id(town.app)}
    action = {"tag": "button", "value": claims}
    result = await town.world.click(town.other, card.message_id, action)
    assert (result.error, result.card) == (None, None)
    assert result.toast == {"content": DENIED, "type": "error"}
    assert town.read(card) == before
    (row,) = await town.denials()
    assert row.detail["by"] == town.other.open_id(town.app)

    result = await town.world.click(town.owner, card.message_id, action)
    assert "desk" not in str(result.card)
    if value.get("name") == "desk":
        assert result.toast["content"] == "There is no connector desk. Yours: theirs."
    assert await town.service.visible(town.bot.root) == known


async def test_rights_are_those_at_the_click(town, owned, superusers) -> None:
    await owned("mine", town.owner)
    card = await town.card(town.owner, "/feishu show mine")
    await town.click(town.owner, card, "Remove")
    await town.service.update(town.bot.root, "mine", {"owner": town.root.open_id(town.app)})
    result = await town.click(town.owner, card, "Remove")
    assert result.toast["content"] == DENIED
    assert await spec_of(town, "mine")


async def test_a_question_is_answered_by_whoever_was_asked_once(town, owned) -> None:
    await owned("mine", town.owner)
    card = await town.answer(await town.ask(town.owner, "/feishu show mine", town.group))
    await town.click(town.owner, card, "Remove")
    (value,) = [
        one["behaviors"][0]["value"]
        for one in town.buttons(card)
        if one["behaviors"][0]["value"]["action"] == "feishu_ws_confirm"
    ]
    assert len(value["nonce"]) >= 32
    confirm = {"tag": "button", "value": value}
    foreign = await town.world.click(town.root, card.message_id, confirm)
    assert foreign.toast["content"] == "This was for somebody else."
    other_card = await town.card(town.owner, "/feishu list")
    elsewhere = await town.world.click(town.owner, other_card.message_id, confirm)
    assert "no longer valid" in elsewhere.toast["content"]
    assert await spec_of(town, "mine")

    await town.world.click(town.owner, card.message_id, {"tag": "button", "value": value})
    assert "mine" not in [one.spec.name for one in await town.service.visible(town.bot.root)]
    await owned("mine", town.owner)
    again = await town.world.click(town.owner, card.message_id, confirm)
    assert "no longer valid" in again.toast["content"]
    assert await spec_of(town, "mine")


async def test_a_typed_removal_is_asked_about_too(town, owned) -> None:
    await owned("mine", town.owner)
    card = await town.answer(await town.ask(town.owner, "/feishu remove mine", town.group))
    assert "Remove mine and its secrets? This cannot be undone." in town.read(card)
    foreign = await town.click(town.root, card, "Remove")
    assert foreign.toast["content"] == "This was for somebody else."
    await town.click(town.owner, card, "Cancel")
    assert await spec_of(town, "mine")
    card = await town.card(town.owner, "/feishu remove mine")
    await town.click(town.owner, card, "Remove")
    await town.shows(card, "Removed mine and its secrets")

    await owned("mine", town.owner)
    assert "Removed mine" in await town.told(town.owner, "/feishu remove mine --yes")
    assert "Usage: /feishu remove NAME [--yes]" in await town.told(town.root, "/feishu remove mine yes")


async def test_another_connector_of_the_same_name_is_not_meant(town, owned) -> None:
    await owned("mine", town.root)
    card = await town.card(town.root, "/feishu show mine")
    await town.click(town.root, card, "Remove")
    await town.service.remove(town.bot.root, "mine")
    await owned("mine", town.root)
    result = await town.click(town.root, card, "Remove")
    assert "no longer valid" in result.toast["content"]
    assert await spec_of(town, "mine")


@pytest.mark.parametrize(
    "value",
    [
        {"action": "feishu_ws_do", "verb": "remove", "name": "desk"},
        {"action": "feishu_ws_do", "verb": "disable", "name": "desk"},
        {"action": "feishu_ws_do", "verb": "set", "name": "desk owner=ou_x"},
        {"action": "feishu_ws_ask", "verb": "verify", "name": "desk"},
        {"action": "feishu_ws_list", "page": "no number"},
        {"action": "feishu_ws_list", "page": -7},
        {"action": "feishu_ws_do"},
        {"action": "feishu_ws_confirm", "nonce": ["x"]},
        {"action": "feishu_ws_form", "nonce": None},
    ],
)
async def test_values_nobody_put_on_a_card_do_no_harm(town, value) -> None:
    card = await town.card(town.root, "/feishu list")
    known = await town.service.visible(town.bot.root)
    result = await town.world.click(town.root, card.message_id, {"tag": "button", "value": value})
    assert result.error is None
    assert await town.service.visible(town.bot.root) == known


@pytest.mark.parametrize("value", [None, "feishu_ws_list", {"action": 7}, {"action": "approve"}, ["x"]])
async def test_other_peoples_buttons_are_theirs(town, value) -> None:
    card = await town.card(town.root, "/feishu list")
    result = await town.world.click(town.other, card.message_id, {"tag": "button", "value": value})
    assert (result.error, result.toast, result.card) == (None, None, None)
    assert await town.denials() == []


async def test_a_connector_of_the_configuration_is_only_held(town, monkeypatch) -> None:
    from nonebot_plugin_feishu_ws.connectors import ConnectorSpec

    app = town.world.add_app("fixed")
    spec = ConnectorSpec(name="fixed", app_id=app.app_id, app_secret=SecretStr(app.app_secret))
    monkeypatch.setattr(town.bot.runtime.management, "configured", [spec])
    town.bot.runtime._keeper.wake()
    await town.bot.state(app, "connected")
    card = await town.card(town.root, "/feishu show fixed")
    for absent in ("Enable", "Disable", "Remove", "Credentials"):
        assert absent not in town.read(card)
    await town.click(town.root, card, "Disconnect")
    await town.bot.state(app, "disconnected")
    await town.click(town.root, card, "Connect")
    await town.shows(card, "🟢 connected")


async def test_the_database_away_is_said(town, monkeypatch) -> None:
    from nonebot_plugin_feishu_ws.storage import DatabaseUnavailable

    card = await town.card(town.root, "/feishu list")

    async def away(*_):
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(town.bot.runtime.management.store, "all", away)
    result = await town.world.click(
        town.root, card.message_id, {"tag": "button", "value": {"action": "feishu_ws_list", "page": 0}}
    )
    assert "not available now" in result.toast["content"]
