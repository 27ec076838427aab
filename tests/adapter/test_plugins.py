"""Plugins nobody here wrote, on our bot, talking to the sandbox over real HTTP."""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any

import aiohttp
import nonebot
import pytest
from nonebot import on_command, on_message
from nonebot.adapters.feishu import Message, MessageEvent
from nonebot.matcher import Matcher
from nonebot.params import Arg, ArgPlainText, CommandArg, Received
from nonebot.rule import to_me

from feishu_sandbox import App, Chat, Sandbox, User
from feishu_sandbox import Message as Sent
from nonebot_plugin_feishu_ws.adapter import Bot, CardActionEvent, ensure_adapter, parse_event
from nonebot_plugin_feishu_ws.openapi import FeishuClient

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
Keep = Callable[[Any], Any]


@pytest.fixture(scope="session", autouse=True)
def third_party() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        for name in ("nonebot_plugin_alconna", "nonebot_plugin_uninfo", "nonebot_plugin_waiter"):
            nonebot.require(name)


@dataclass
class Office:
    """A company with a bot of ours in a group, a topic group and a direct chat; also its wire to the bot."""

    sandbox: Sandbox
    app: App
    alice: User
    bob: User
    group: Chat
    topics: Chat
    direct: Chat
    bot: Bot
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def push(self, app: App, envelope: dict[str, Any]) -> None:
        self.spawn(self.bot.handle_event(parse_event(json.loads(json.dumps(envelope)), app_id=app.app_id)))

    async def call(self, app: App, envelope: dict[str, Any]) -> object:
        event = parse_event(envelope, app_id=app.app_id)
        assert isinstance(event, CardActionEvent)
        self.spawn(self.bot.handle_event(event))
        return await event.answer()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def say(self, *args: Any, who: User | None = None, **kwargs: Any) -> Sent:
        return await self.sandbox.world.say(who or self.alice, *args, **kwargs)

    async def answer_to(self, asked: Sent) -> Sent:
        """The first message of the bot after the one asked."""
        return await self.sandbox.world.wait_for(
            lambda sent: sent.sender is self.app and sent.chat is asked.chat and self.after(sent, asked)
        )

    def after(self, sent: Sent, asked: Sent) -> bool:
        order = list(self.sandbox.world.messages)
        return order.index(sent.message_id) > order.index(asked.message_id)

    async def all_done(self) -> None:
        async with asyncio.timeout(5):
            while self.tasks:
                await asyncio.wait(set(self.tasks))


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with Sandbox() as sandbox, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        world = sandbox.world
        app = world.add_app("助手")
        alice, bob = world.add_user("Alice", user_id_visible=False), world.add_user("Bob")
        client = FeishuClient(app.app_id, app.app_secret, base_url=sandbox.url, session=session)
        adapter = ensure_adapter(nonebot.get_driver())
        bot = Bot(adapter, app.app_id, client=client, identity=await client.bot_info(), connector="office")
        office = Office(
            sandbox=sandbox,
            app=app,
            alice=alice,
            bob=bob,
            group=world.add_group("大群", (alice, bob, app)),
            topics=world.add_group("话题群", (alice, bob, app), topic=True),
            direct=world.direct_chat(alice, app),
            bot=bot,
        )
        world.wire = office
        adapter.bot_connect(bot)
        try:
            yield office
            await office.all_done()
        finally:
            adapter.bot_disconnect(bot)


# --- NoneBot's own ---


async def test_a_command_is_answered_with_a_reply(office: Office, matchers: Keep) -> None:
    echo = matchers(on_command("echo", rule=to_me()))

    @echo.handle()
    async def _(matcher: Matcher, args: Annotated[Message, CommandArg()]) -> None:
        await matcher.finish(args)

    asked = await office.say(office.group, "@助手 /echo 你好", mentions=[office.app])
    answer = await office.answer_to(asked)
    assert (answer.text, answer.parent_id, answer.thread_id) == ("你好", asked.message_id, None)
    await office.say(office.group, "/echo nobody asked the bot")
    await office.all_done()
    assert len([m for m in office.sandbox.world.messages_in(office.group) if m.sender is office.app]) == 1
    direct = await office.say(office.direct, "/echo 私聊")
    assert (await office.answer_to(direct)).text == "私聊"


async def test_a_command_in_a_rich_text_keeps_its_picture(office: Office, matchers: Keep) -> None:
    image_key = await office.bot.client.upload_image(PNG)
    show = matchers(on_command("show"))

    @show.handle()
    async def _(matcher: Matcher, args: Annotated[Message, CommandArg()]) -> None:
        await matcher.finish("看 " + args)

    nodes = [
        [{"tag": "at", "user_id": "@_user_1", "user_name": "助手"}, {"tag": "text", "text": " /show this "}],
        [{"tag": "img", "image_key": image_key}],
    ]
    content = {"title": "", "content": nodes}
    asked = await office.say(office.group, msg_type="post", content=content, mentions=[office.app])
    answer = await office.answer_to(asked)
    assert answer.msg_type == "post"
    flat = [node for row in answer.content["content"] for node in row]
    assert flat == [
        {"tag": "text", "text": "看 "},
        {"tag": "text", "text": "this \n"},
        {"tag": "img", "image_key": image_key},
    ]


async def test_an_answer_in_a_topic_stays_there(office: Office, matchers: Keep) -> None:
    ping = matchers(on_command("ping"))

    @ping.handle()
    async def _(matcher: Matcher) -> None:
        await matcher.finish("pong")

    asked = await office.say(office.topics, "/ping")
    answer = await office.answer_to(asked)
    assert answer.thread_id == asked.thread_id is not None


async def test_the_answer_to_a_recalled_message_goes_to_the_chat(office: Office, matchers: Keep) -> None:
    ping = matchers(on_command("ping"))

    @ping.handle()
    async def _(matcher: Matcher, event: MessageEvent) -> None:
        office.sandbox.world.recall(office.sandbox.world.messages[event.message_id])
        await matcher.finish("pong")

    asked = await office.say(office.group, "/ping")
    answer = await office.answer_to(asked)
    assert (answer.text, answer.parent_id) == ("pong", None)


async def test_got_asks_and_waits_for_the_same_person_in_the_same_topic(
    office: Office, matchers: Keep
) -> None:
    order = matchers(on_command("order"))

    @order.got("dish", prompt="吃什么？")
    @order.got("count", prompt="几份？")
    async def _(
        matcher: Matcher, dish: Annotated[Message, Arg()], count: Annotated[str, ArgPlainText()]
    ) -> None:
        if not count.isdigit():
            await matcher.reject_arg("count", "要数字")
        await matcher.finish(f"{dish} x{count}")

    asked = await office.say(office.topics, "/order")
    answers = [await office.answer_to(asked)]
    await office.say(office.topics, "elsewhere")
    await office.say(office.topics, "somebody else", who=office.bob, reply_to=asked)
    for said in ("面", "many", "2"):
        reply = await office.say(office.topics, said, reply_to=asked)
        answers.append(await office.answer_to(reply))
    assert [answer.text for answer in answers] == ["吃什么？", "几份？", "要数字", "面 x2"]
    assert {answer.thread_id for answer in answers} == {asked.thread_id}


async def test_receive(office: Office, matchers: Keep) -> None:
    both = matchers(on_message(rule=to_me()))

    @both.receive("second")
    async def _(
        matcher: Matcher, event: MessageEvent, second: Annotated[MessageEvent, Received("second")]
    ) -> None:
        await matcher.finish(f"{second.get_plaintext()}!")

    await office.say(office.direct, "one")
    await office.all_done()
    asked = await office.say(office.direct, "two")
    assert (await office.answer_to(asked)).text == "two!"


async def test_a_click_is_answered_and_a_late_one_updates_the_card(office: Office, matchers: Keep) -> None:
    card = {
        "schema": "2.0",
        "config": {"update_multi": True},
        "body": {"elements": [{"tag": "markdown", "content": "?"}]},
    }
    done = {**card, "body": {"elements": [{"tag": "markdown", "content": "done"}]}}
    slow = asyncio.Event()
    clicked = matchers(nonebot.on_notice())

    @clicked.handle()
    async def _(matcher: Matcher, event: CardActionEvent) -> None:
        if event.action.value["slow"]:
            slow.set()
            await asyncio.wait_for(late.wait(), 5)
            await event.respond("lost", card=done)
        await event.respond("好", "success")
        await matcher.send("clicked")

    late = asyncio.Event()
    sent = await office.bot.client.send_message(office.group.chat_id, "interactive", card)
    message = office.sandbox.world.messages[sent.message_id]
    result = await office.sandbox.world.click(
        office.alice, sent.message_id, {"tag": "button", "value": {"slow": 0}}
    )
    assert (result.error, result.toast) == (None, {"type": "success", "content": "好"})
    answer = await office.answer_to(message)
    assert (answer.text, answer.parent_id) == ("clicked", sent.message_id)
    result = await office.sandbox.world.click(
        office.bob, sent.message_id, {"tag": "button", "value": {"slow": 1}}
    )
    assert (result.error, result.toast, result.card) == (None, None, None)
    late.set()
    await office.sandbox.world.wait_for(lambda changed: changed is message and changed.content == done)


# --- Alconna ---


async def test_alconna_command_in_and_mixed_message_out(office: Office, matchers: Keep) -> None:
    from nonebot_plugin_alconna import Alconna, Args, At, Image, Match, MultiVar, Text, UniMessage, on_alconna

    tag = matchers(on_alconna(Alconna("tag", Args["who", At]["pics?", MultiVar(Image)]), rule=to_me()))

    @tag.handle()
    async def _(who: Match[At], pics: Match[tuple[Image, ...]]) -> None:
        names = ",".join(pic.id or "?" for pic in pics.result) if pics.available else "-"
        receipt = await UniMessage([Text(f"{names} "), At("user", who.result.target), Image(raw=PNG)]).send()
        assert receipt.get_reply(0)

    asked = await office.say(office.group, "@助手 tag @Bob", mentions=[office.app, office.bob])
    answer = await office.answer_to(asked)
    assert answer.parent_id == asked.message_id
    assert answer.msg_type == "post"
    text, at, image = [node for row in answer.content["content"] for node in row]
    assert text == {"tag": "text", "text": "- "}
    assert [mention.who for mention in answer.mentions] == [office.bob]
    assert at["tag"] == "at"
    assert office.sandbox.world.resources[image["image_key"]].data == PNG

    nodes = [
        [
            {"tag": "at", "user_id": "@_user_1", "user_name": "助手"},
            {"tag": "text", "text": " tag "},
            {"tag": "at", "user_id": "@_user_2", "user_name": "Bob"},
        ],
        [{"tag": "img", "image_key": image["image_key"]}],
    ]
    asked = await office.say(
        office.group,
        msg_type="post",
        content={"title": "", "content": nodes},
        mentions=[office.app, office.bob],
    )
    answer = await office.answer_to(asked)
    assert answer.content["content"][0][0]["text"] == f"{image['image_key']} "


async def test_alconna_receipts(office: Office, matchers: Keep) -> None:
    from nonebot_plugin_alconna import Alconna, UniMessage, on_alconna

    go = matchers(on_alconna(Alconna("go")))

    @go.handle()
    async def _() -> None:
        receipt = await UniMessage("first").send()
        await receipt.edit("edited")
        await receipt.reaction("OK")
        await receipt.reply("reply to it")
        other = await UniMessage("gone").send()
        await other.recall()

    asked = await office.say(office.group, "go")
    await office.all_done()
    first, reply, gone = [m for m in office.sandbox.world.messages_in(office.group) if office.after(m, asked)]
    assert (first.text, first.edits, [r.emoji for r in first.reactions]) == ("edited", 1, ["OK"])
    assert (reply.text, reply.parent_id) == ("reply to it", first.message_id)
    assert gone.recalled


async def test_alconna_sends_to_targets(office: Office) -> None:
    from nonebot_plugin_alconna import SupportScope, Target, UniMessage

    await UniMessage("to the chat").send(Target(office.group.chat_id), office.bot)
    await UniMessage("to the person").send(Target(office.alice.open_id(office.app), private=True), office.bot)
    mixed = UniMessage.text("see").at(office.bob.open_id(office.app)).image(raw=PNG)
    await mixed.send(Target(office.group.chat_id), office.bot)
    chosen = Target(office.group.chat_id, scope=SupportScope.feishu)
    assert await chosen.select() is office.bot
    plain, rich = office.sandbox.world.messages_in(office.group)
    assert plain.text == "to the chat"
    assert [[node["tag"] for node in row] for row in rich.content["content"]] == [["text", "at"], ["img"]]
    assert [m.text for m in office.sandbox.world.messages_in(office.direct)] == ["to the person"]


async def test_alconna_reads_quotes_and_pictures(office: Office, matchers: Keep) -> None:
    from nonebot_plugin_alconna import Image, Reply, UniMessage, UniMsg, image_fetch

    image_key = await office.bot.client.upload_image(PNG)
    seen: list[Any] = []
    everything = matchers(on_message())

    @everything.handle()
    async def _(event: MessageEvent, bot: Bot, message: UniMsg) -> None:
        if message.has(Image):
            seen.append(await image_fetch(event, bot, {}, message[Image, 0]))
        else:
            reply = await UniMessage.of(event.get_message(), bot).attach_reply(event, bot)
            seen.append((reply[Reply, 0].id, message.extract_plain_text()))

    picture = await office.say(office.direct, msg_type="image", content={"image_key": image_key})
    await office.all_done()
    await office.say(office.direct, "nice", reply_to=picture)
    await office.all_done()
    assert seen == [PNG, (picture.message_id, "nice")]


async def test_pictures_by_address_need_no_http_client_in_the_driver(office: Office) -> None:
    from nonebot_plugin_alconna import Target, UniMessage

    receipt = await UniMessage.image(url=office.sandbox.url).send(Target(office.group.chat_id), office.bot)
    assert receipt.msg_ids
    [sent] = office.sandbox.world.messages_in(office.group)
    assert sent.msg_type == "image"


# --- uninfo, waiter ---


async def test_uninfo(office: Office, matchers: Keep) -> None:
    from nonebot_plugin_uninfo import SceneType, Uninfo

    sessions: list[Any] = []
    who = matchers(on_message())

    @who.handle()
    async def _(session: Uninfo) -> None:
        sessions.append(session)

    await office.say(office.group, "x")
    await office.all_done()
    await office.say(office.direct, "x")
    await office.all_done()
    group, direct = sessions
    open_id = office.alice.open_id(office.app)
    assert (group.user.id, group.scene.id, group.scene.type) == (
        open_id,
        office.group.chat_id,
        SceneType.GROUP,
    )
    assert (direct.user.id, direct.scene.type) == (open_id, SceneType.PRIVATE)
    assert (group.self_id, group.adapter, group.scope) == (office.app.app_id, "Feishu", "Feishu")


async def test_waiter(office: Office, matchers: Keep) -> None:
    from nonebot_plugin_waiter import prompt

    confirm = matchers(on_command("confirm"))

    @confirm.handle()
    async def _(matcher: Matcher) -> None:
        answer = await prompt("sure?", timeout=5)
        await matcher.finish(f"{answer}".upper() if answer else "?")

    asked = await office.say(office.group, "/confirm")
    question = await office.answer_to(asked)
    assert question.text == "sure?"
    await office.say(office.group, "not me", who=office.bob)
    yes = await office.say(office.group, "yes")
    assert (await office.answer_to(yes)).text == "YES"
