"""A tool that waits for somebody's yes, from the message to the last click: cards, texts, rights, forgeries."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from nonebot import get_bot
from reading import plain, read, values

from feishu_sandbox import Message, User
from nonebot_plugin_feishu_ws import butler


@dataclass
class Firm:
    """A company in which Alice asks, and Bob and Carol may approve; Dave may not."""

    company: Any
    bob: User
    carol: User
    dave: User
    group: Any
    ran: list[str]
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def world(self) -> Any:
        return self.company.sandbox.world

    async def ask(self, text: str = "deploy web") -> tuple[Message, Message]:
        """Alice asks in the group; what she wrote, and the card."""
        asked = await self.company.ask(text, self.group, mentions=[self.company.app])
        return asked, await self.card(lambda m: m.parent_id == asked.message_id)

    async def card(self, which: Callable[[Message], bool]) -> Message:
        """The first card of that kind, and what its buttons carry."""
        card = await self.world.wait_for(
            lambda m: m.sender is self.company.app and m.msg_type == "interactive" and which(m), timeout=10
        )
        self.seen.setdefault(card.message_id, values(card))
        return card

    async def shows(self, card: Message, words: str) -> None:
        await self.card(lambda m: m.message_id == card.message_id and words in read(m))

    async def reply(self, asked: Message, words: str) -> Message:
        return await self.world.wait_for(
            lambda m: m.parent_id == asked.message_id and m.msg_type == "post" and words in plain(m),
            timeout=10,
        )

    async def click(self, user: User, card: Message, yes: bool = True, **changed: Any) -> Any:
        """Press a button, as somebody who can change what it carries."""
        value = next(value for value in self.seen[card.message_id] if value["approved"] is yes)
        action = {"tag": "button", "value": {**value, **changed}}
        return await self.world.click(user, card.message_id, action)

    async def refused(self) -> list[str]:
        rows = await self.company.logged("ws_auth_card_decision")
        return [row.detail["refused"] for row in rows if "refused" in row.detail]

    async def told(self, user: User, text: str) -> str:
        """Somebody writes to the bot directly, and reads the answer."""
        asked = await self.world.say(user, self.world.direct_chat(user, self.company.app), text)
        return read(
            await self.world.wait_for(
                lambda m: m.sender is self.company.app and m.parent_id == asked.message_id, timeout=10
            )
        )


def id_of(card: Message) -> str:
    return values(card)[0]["action_id"]


Hire = Callable[..., Awaitable[Firm]]


@pytest.fixture
async def hire(connect: Any) -> Any:
    before = {known.name for known in butler.tools}
    ran: list[str] = []

    async def make(approvers: str = "named", **policy: Any) -> Firm:
        company = await connect(**policy)
        world = company.sandbox.world
        bob, carol, dave = (world.add_user(name) for name in ("Bob", "Carol", "Dave"))
        group = world.add_group("Approvals", [company.alice, bob, carol, dave, company.app])
        link = company.runtime._supervisor.get(company.app.app_id)
        named = (bob.open_id(company.app), carol.open_id(company.app))
        people = {"named": named, "anyone": ("*",), "nobody": ()}[approvers]
        link.spec = link.spec.model_copy(update={"approvers": people})
        return Firm(company, bob, carol, dave, group, ran)

    @butler.tool(requires_approval=True)
    async def deploy(turn: butler.Turn, service: str, replicas: int = 1) -> str:
        """Roll a service out."""
        ran.append(service)
        await turn.say("One moment …")
        return f"{service} runs {replicas} times, as {turn.open_id} wished"

    yield make
    for known in butler.tools:
        if known.name not in before:
            butler.tools.remove(known.name)


@pytest.fixture
async def firm(hire: Hire) -> Firm:
    return await hire()


async def test_the_whole_story(firm: Firm) -> None:
    """Ask, card, approve as another user, result, second click (faults.md 39, 43)."""
    asked, card = await firm.ask("deploy web replicas=2")
    assert '{"replicas":2,"service":"web"}' in read(card)
    sentence = plain(await firm.reply(asked, "waits for"))
    assert f"deploy waits for one of 2 approvers to agree (id {id_of(card)}, until" in sentence
    chats = [firm.world.direct_chat(who, firm.company.app) for who in (firm.bob, firm.carol)]
    direct = [await firm.card(lambda m, chat=chat: m.chat is chat) for chat in chats]
    assert firm.ran == []

    result = await firm.click(firm.bob, direct[0])
    assert result.error is None
    assert result.toast == {"content": "deploy: approved, about to run.", "type": "success"}
    assert "approved" in result.card["header"]["title"]["content"]
    alice = firm.company.alice.open_id(firm.company.app)
    await firm.reply(asked, f"web runs 2 times, as {alice} wished")
    await firm.reply(asked, "One moment …")
    for each in (card, *direct):
        await firm.shows(each, "deploy: done")
        assert values(firm.world.messages[each.message_id]) == []

    late = await firm.click(firm.carol, card)  # as a client that has not updated the card yet
    assert late.toast == {"content": "Too late. deploy: done.", "type": "info"}
    assert "deploy: done" in late.card["header"]["title"]["content"]
    for who in (firm.company.alice, firm.dave):  # whoever could not have decided, too
        assert (await firm.click(who, card)).toast == late.toast
    assert firm.ran == ["web"]


async def test_rejected_by_a_click(firm: Firm) -> None:
    asked, card = await firm.ask()
    result = await firm.click(firm.carol, card, yes=False)
    assert result.toast["content"] == "deploy: rejected."
    await firm.reply(asked, "deploy: rejected.")
    await firm.shows(card, f"Rejected by <at id={firm.carol.open_id(firm.company.app)}></at>")
    assert firm.ran == []


async def test_nobody_approves_what_they_have_asked_for(firm: Firm) -> None:
    """faults.md 42: the asker's own click is refused and noted; taking it back is always theirs."""
    app = firm.company.app
    link = firm.company.runtime._supervisor.get(app.app_id)
    link.spec = link.spec.model_copy(
        update={"approvers": (*link.spec.approvers, firm.company.alice.open_id(app))}
    )
    _, card = await firm.ask()
    own = await firm.click(firm.company.alice, card)
    assert own.toast == {"content": "Somebody else must approve what you asked for.", "type": "error"}
    assert await firm.refused() == ["own_request"]
    assert (await firm.click(firm.company.alice, card, yes=False)).toast["content"] == "deploy: taken back."
    await firm.shows(card, "deploy: taken back")
    assert (await firm.click(firm.bob, card)).toast["content"] == "Too late. deploy: taken back."
    assert firm.ran == []


async def test_anyone_in_the_chat_but_the_asker(hire: Hire) -> None:
    firm = await hire("anyone")
    _, card = await firm.ask()
    assert (await firm.click(firm.company.alice, card)).toast["type"] == "error"
    elsewhere = await firm.told(firm.dave, f"/feishu approve {id_of(card)}")
    assert elsewhere == "This is decided in the chat where it was asked."
    assert (await firm.click(firm.dave, card)).toast["type"] == "success"
    await firm.shows(card, "deploy: done")
    assert firm.ran == ["web"]


async def test_forged_clicks(firm: Firm) -> None:
    """faults.md 41: the id, the nonce, the card, the person: none of them can be made up, and each try is noted."""
    world, app = firm.world, firm.company.app
    _, card = await firm.ask()
    client = get_bot(app.app_id).client
    forwarded = await client.send_message(firm.company.direct.chat_id, "interactive", card.content)
    copy = world.messages[forwarded.message_id]
    firm.seen[copy.message_id] = firm.seen[card.message_id]
    for who, where, changed, reason in (
        (firm.bob, card, {"action_id": "22222222"}, "unknown_approval"),
        (firm.bob, card, {"action_id": ["x"]}, "unknown_approval"),
        (firm.bob, card, {"approved": "yes"}, "unknown_approval"),
        (firm.bob, card, {"nonce": "x" * 32}, "bad_nonce"),
        (firm.bob, card, {"nonce": None}, "bad_nonce"),
        (firm.bob, copy, {}, "other_card"),
        (firm.dave, card, {}, "not_an_approver"),
        (firm.dave, card, {"operator": {"open_id": firm.bob.open_id(app)}}, "not_an_approver"),
    ):
        result = await firm.click(who, where, **changed)
        assert (result.error, result.toast["type"], result.card) == (None, "error", None), reason
        assert (await firm.refused())[-1] == reason
    assert firm.ran == []
    await firm.click(firm.bob, card)
    await firm.shows(card, "deploy: done")


async def test_a_card_of_another_app(firm: Firm, hire: Hire) -> None:
    """faults.md 41: what one bot asks cannot be approved with another."""
    other = await hire()
    _, card = await firm.ask()
    client = get_bot(other.company.app.app_id).client
    sent = await client.send_message(other.group.chat_id, "interactive", card.content)
    foreign = other.world.messages[sent.message_id]
    other.seen[foreign.message_id] = firm.seen[card.message_id]
    assert (await other.click(other.bob, foreign)).toast["type"] == "error"
    assert await firm.refused() == ["other_app"]
    assert firm.ran == []


async def test_by_a_line_in_a_chat(firm: Firm) -> None:
    """For tenants without card callbacks: the same rights, whoever manages connectors or not."""
    asked, card = await firm.ask()
    line = f"/feishu approve {id_of(card)}"
    assert await firm.told(firm.dave, line) == "You may not decide this."
    assert await firm.told(firm.bob, "/feishu approve 22222222") == "There is no approval 22222222."
    assert (
        await firm.told(firm.bob, line.upper().replace("/FEISHU", "/feishu"))
        == "deploy: approved, about to run."
    )
    await firm.reply(asked, "web runs")
    assert (await firm.told(firm.carol, line.replace("approve", "reject"))).startswith("Too late. deploy:")
    assert firm.ran == ["web"]


async def test_the_list(firm: Firm) -> None:
    """`approvals`: what waits, with buttons for those who may; nothing for those it does not concern."""
    _, first = await firm.ask("deploy one")
    _, second = await firm.ask(f"deploy {'x' * 700}")
    assert await firm.told(firm.dave, "/feishu approvals") == "Nothing waits for approval."
    asked = await firm.world.say(
        firm.bob, firm.world.direct_chat(firm.bob, firm.company.app), "/feishu approvals"
    )
    listed = await firm.card(lambda m: m.parent_id == asked.message_id)
    said = read(listed)
    for words in (
        id_of(first),
        id_of(second),
        '{"replicas":1,"service":"one"}',
        "approve it on its own card",
    ):
        assert words in said
    assert [(v["id"], v["approved"]) for v in values(listed)] == [
        (id_of(first), True),
        (id_of(first), False),
        (id_of(second), False),
    ]
    button = {"tag": "button", "value": values(listed)[0]}
    refused = await firm.world.click(firm.dave, listed.message_id, button)
    assert refused.toast == {"content": "You may not decide this.", "type": "error"}
    done = await firm.world.click(firm.bob, listed.message_id, button)
    assert done.toast["content"] == "deploy: approved, about to run."
    assert id_of(second) in json.dumps(done.card)
    assert id_of(first) not in json.dumps(done.card)
    await firm.shows(first, "deploy: done")
    assert firm.ran == ["one"]


async def test_help_says_so(firm: Firm) -> None:
    said = await firm.company.told("help")
    assert "Roll a service out (needs approval)" in said
    assert "needs approval" in await firm.company.told("help deploy")


async def test_what_is_not_asked(firm: Firm) -> None:
    @butler.tool("locked", requires_approval=True, allow=lambda turn: False)
    async def locked(secret: str) -> None: ...

    said = await firm.company.told("locked")
    assert said == "You may not use locked."  # before a word about arguments
    assert "more than anybody can check" in await firm.company.told(f"deploy {'x' * 30_000}")
    app = firm.company.app
    link = firm.company.runtime._supervisor.get(app.app_id)
    link.spec = link.spec.model_copy(update={"approvers": (firm.company.alice.open_id(app),)})
    assert "nobody else could approve it" in await firm.company.told("deploy web")
    assert "is missing" in await firm.company.told("deploy")


async def test_long_arguments_follow_in_full(firm: Firm) -> None:
    """faults.md 37: what a card has no room for is said, and follows."""
    asked, card = await firm.ask(f"deploy {'y' * 6000}")
    assert "Only the first 3000 of" in read(card)
    await firm.reply(asked, f"All arguments of approval {id_of(card)} (1/2):")
    await firm.reply(asked, f"All arguments of approval {id_of(card)} (2/2):")


async def test_superusers_where_nobody_is_named(hire: Hire, superusers: set[str]) -> None:
    """They may approve their own: they might as well do it themselves."""
    firm = await hire("nobody")
    superusers.add(firm.company.alice.open_id(firm.company.app))
    _, card = await firm.ask()
    assert (await firm.click(firm.bob, card)).toast["type"] == "error"
    assert (await firm.click(firm.company.alice, card)).toast["type"] == "success"
    await firm.shows(card, "deploy: done")


async def test_it_runs_while_others_talk(firm: Firm) -> None:
    """The click is answered at once, however long the tool takes; the chat goes on meanwhile."""
    go_on = asyncio.Event()

    @butler.tool("slow", requires_approval=True)
    async def slow() -> str:
        await go_on.wait()
        return "at last"

    asked, card = await firm.ask("slow")
    assert (await firm.click(firm.bob, card)).toast["type"] == "success"
    await firm.shows(card, "slow: approved, running")
    assert "I am Butler" in await firm.company.told("help")
    assert (await firm.click(firm.carol, card)).toast["content"] == "Too late. slow: approved, running."
    go_on.set()
    await firm.reply(asked, "at last")
    await firm.shows(card, "slow: done")
