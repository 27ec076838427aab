"""`doctor` and `why` in a chat."""


async def test_a_check_up_by_command_and_by_click(town, owned) -> None:
    await owned("theirs", town.owner, app_secret="wrong")
    said = await town.told(town.owner, "/feishu doctor theirs")
    assert "→" in said
    assert "App Secret" in said
    card = await town.card(town.owner, "/feishu show theirs")
    await town.click(town.owner, card, "Check-up")
    await town.shows(card, "→")
    foreign = await town.told(town.owner, "/feishu doctor desk")
    assert foreign == "There is no connector desk. Yours: theirs."


async def test_why_a_message_was_answered(town, owned) -> None:
    asked = await town.ask(town.root, "/feishu help")
    answer = await town.answer(asked)
    await town.settled()
    said = await town.told(town.root, f"/feishu why {asked.message_id}")
    assert said.startswith(f"desk · {asked.message_id}")
    assert answer.message_id in said
    assert "Nothing is known of message om_x" in await town.told(town.root, "/feishu why om_x")

    await owned("theirs", town.owner)
    foreign = await town.told(town.owner, f"/feishu why {asked.message_id}")
    assert foreign.startswith(f"Nothing is known of message {asked.message_id}")
