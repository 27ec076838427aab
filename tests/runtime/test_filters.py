"""The policy of a connector, as people in the chat feel it; every drop is one log row with its reason."""

from typing import Any

import pytest
from nonebot import get_bot

from feishu_sandbox import User
from nonebot_plugin_feishu_ws import Facts, Outcome, Policy, admission
from nonebot_plugin_feishu_ws.adapter import ChatNotAllowed


async def reasons(company: Any) -> list[str]:
    return [row.detail["reason"] for row in await company.logged("ws_filtered")]


async def test_in_a_group_only_a_mention_is_answered(company) -> None:
    quiet = await company.ask("help", company.group)
    loud = await company.ask("@_all help", company.group)
    spoken = await company.ask("@Butler help", company.group, mentions=[company.app])
    assert (await company.answer(spoken)).parent_id == spoken.message_id
    assert await reasons(company) == ["mention_required", "mention_required"]
    answered = {message.parent_id for message in company.replies()}
    assert not answered & {quiet.message_id, loud.message_id}
    rows = await company.logged("ws_filtered")
    assert [row.message_id for row in rows] == [quiet.message_id, loud.message_id]


async def test_somebody_elses_mention_is_not_ours(company) -> None:
    other = company.sandbox.world.add_app("Other")
    company.group.apps.append(other)
    await company.ask("@Other help", company.group, mentions=[other])
    await company.told("@Butler whoami", company.group, mentions=[company.app])
    assert await reasons(company) == ["mention_required"]


@pytest.mark.parametrize(
    ("policy", "where", "text", "reason"),
    [
        ({"allow_dm": False}, "direct", "help", "dm_not_allowed"),
        ({"allow_group_mention": False}, "group", "@Butler help", "group_not_allowed"),
        ({"allowed_chat_ids": ["oc_elsewhere"]}, "group", "@Butler help", "chat_not_allowed"),
        ({"user_whitelist": ["ou_somebody"]}, "direct", "help", "user_not_allowed"),
        ({"prefix_command": "/ai"}, "direct", "help", "prefix_not_matched"),
        ({}, "group", "@Butler", "empty_text"),
        ({"verification_token": "not-the-apps"}, "direct", "help", "token_mismatch"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_each_refusal_is_silent_and_logged(connect, policy, where, text, reason) -> None:
    company = await connect(**policy)
    chat = company.direct if where == "direct" else company.group
    asked = await company.ask(text, chat, mentions=[company.app] if where == "group" else ())
    assert await company.acked(asked) == 200
    await company.runtime.drained()
    assert await reasons(company) == [reason]
    (row,) = await company.logged("ws_filtered")
    assert row.message_id == asked.message_id
    assert company.replies() == []


async def test_each_permission_lets_through(connect) -> None:
    company = await connect(prefix_command="/ai", mention_required=False, rate_limit_per_minute=2)
    assert "I am Butler" in await company.told("/ai help", company.group)
    assert "State" in await company.told("/ai status")
    assert await reasons(company) == []
    await company.acked(await company.ask("/ai status"))
    await company.runtime.drained()
    assert await reasons(company) == ["rate_limited"]


async def test_whitelists_know_all_three_ids(connect) -> None:
    company = await connect()
    for kind in ("open_id", "user_id", "union_id"):
        listed = await connect(user_whitelist=[company.alice.ids(company.app)[kind]])
        mine: User = listed.alice
        friend = company.alice
        chat = listed.sandbox.world.direct_chat(friend, listed.app)
        asked = await listed.sandbox.world.say(friend, chat, "help")
        stranger = await listed.ask("help")
        if kind == "open_id":  # an open_id is of one app only, see feishu-facts
            await listed.acked(asked)
            await listed.runtime.drained()
            assert listed.replies() == []
        else:
            assert (await listed.answer(asked)).parent_id == asked.message_id
            assert all(message.parent_id != stranger.message_id for message in listed.replies())
        assert mine.union_id != friend.union_id


async def test_a_plugin_authors_own_filter(company) -> None:
    class NoShouting:
        reason = "shouting"

        def check(self, facts: Facts, policy: Policy) -> Outcome:
            return Outcome.FAIL if facts.text.isupper() else Outcome.PASS

    admission.add(NoShouting(), after="bot_message")
    try:
        await company.ask("HELP")
        await company.settled()
        assert await reasons(company) == ["shouting"]
    finally:
        admission.remove("shouting")


async def test_what_is_let_through_is_logged_with_every_verdict(company) -> None:
    asked = await company.ask("help")
    await company.settled()
    row = next(row for row in await company.logged("ws_routed") if row.message_id == asked.message_id)
    assert "duplicate=pass" in row.detail["trace"]
    assert "mention_required=skip" in row.detail["trace"]
    assert "empty_text=pass" in row.detail["trace"]


async def test_a_connector_with_chats_of_its_own_sends_nowhere_else(connect) -> None:
    company = await connect()
    other = company.sandbox.world.add_group("Other", [company.alice, company.app])
    bound = await connect(allowed_chat_ids=[company.group.chat_id])
    bound.sandbox.world.chats[company.group.chat_id].apps.append(bound.app)
    bot = get_bot(bound.app.app_id)
    assert await bot.send_msg("chat_id", company.group.chat_id, '{"text": "hello"}', "text")
    with pytest.raises(ChatNotAllowed, match=other.chat_id):
        await bot.send_msg("chat_id", other.chat_id, '{"text": "hello"}', "text")
    assert [m.chat for m in bound.replies()] == [company.group]
    (refused,) = [row for row in await bound.logged("ws_outbound") if row.level == "error"]
    assert refused.detail["to"] == other.chat_id
